"""
Errors as a Salesforce org words them.

The REST API answers with a JSON *array* of ``{message, errorCode[, fields]}``, the token endpoint with one
object ``{error, error_description}``. Both are raised as exceptions here and rendered at the edge.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SUPPORT = (
    "If you are attempting to use a custom {kind}, be sure to append the '__c' after the {what}. "
    "Please reference your WSDL or the describe call for the appropriate names."
)


@dataclass
class ApiError(Exception):
    """
    A refusal of the REST or Bulk API.

    Attributes:
        status: HTTP status.
        code: Salesforce's ``errorCode``.
        message: text as the org words it.
        fields: names of offending fields; empty means that the key is left out.
    """

    status: int
    code: str
    message: str
    fields: tuple[str, ...] = field(default=())

    def body(self) -> list[dict[str, object]]:
        """
        Give the body of the answer.

        Returns:
            A list with one entry, in the key order of a real org.
        """
        entry: dict[str, object] = {"message": self.message, "errorCode": self.code}
        if self.fields:
            entry["fields"] = list(self.fields)
        return [entry]


@dataclass
class OAuthError(Exception):
    """
    A refusal of the token endpoint or of its neighbors.

    Attributes:
        error: machine-readable code.
        description: text as the org words it.
        status: HTTP status, 400 unless the org uses another one.
    """

    error: str
    description: str
    status: int = 400

    def body(self) -> dict[str, str]:
        """
        Give the body of the answer.

        Returns:
            ``error`` and ``error_description``.
        """
        return {"error": self.error, "error_description": self.description}


def session_expired() -> ApiError:
    """Give the 401 of a session that ran out or never was."""
    return ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")


def session_unfit() -> ApiError:
    """Give the 401 that no refresh cures: a token without the scope for the REST API."""
    return ApiError(401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API")


def not_found() -> ApiError:
    """Give the 404 of a resource that is not there."""
    return ApiError(404, "NOT_FOUND", "The requested resource does not exist")


def method_not_allowed(method: str, allowed: str) -> ApiError:
    """Give the 405 of a method that the resource does not know."""
    text = f"HTTP Method '{method}' not allowed. Allowed are {allowed}"
    return ApiError(405, "METHOD_NOT_ALLOWED", text)


def pointed(query: str, position: int, message: str) -> str:
    """
    Word a SOQL error with the caret under the offending place.

    Args:
        query: the whole query.
        position: zero-based offset into it.
        message: what is wrong.

    Returns:
        The text of a real org: newline, the line (cut around long ones), the caret, row and column, the
        message.
    """
    position = max(0, min(position, len(query)))
    start = query.rfind("\n", 0, position) + 1
    row = query.count("\n", 0, position) + 1
    end = query.find("\n", position)
    line = query[start : end if end >= 0 else len(query)]
    column = position - start
    cut = max(0, column - 48)
    shown = line[cut : column + 48]
    return f"\n{shown}\n{' ' * (column - cut)}^\nERROR at Row:{row}:Column:{column + 1}\n{message}"


def no_such_column(query: str, position: int, name: str, entity: str) -> ApiError:
    """Give the 400 of a field that does not exist or that the user may not see: both read the same."""
    reason = f"No such column '{name}' on entity '{entity}'. " + SUPPORT.format(
        kind="field", what="custom field name"
    )
    return ApiError(400, "INVALID_FIELD", pointed(query, position, reason))


def no_such_object(query: str, position: int, name: str) -> ApiError:
    """Give the 400 of an object that does not exist or that the user may not see: both read the same."""
    reason = f"sObject type '{name}' is not supported. " + SUPPORT.format(kind="object", what="entity name")
    return ApiError(400, "INVALID_TYPE", pointed(query, position, reason))


def malformed(query: str, position: int, message: str) -> ApiError:
    """Give the 400 of a query that cannot be parsed or makes no sense."""
    return ApiError(400, "MALFORMED_QUERY", pointed(query, position, message))


def relationship_unknown(name: str, place: str) -> str:
    """Word the complaint about a relationship that does not exist or that the user may not see."""
    return (
        f"Didn't understand relationship '{name}' in {place}. If you are attempting to use a custom "
        "relationship, be sure to append the '__r' after the custom relationship name. "
        "Please reference your WSDL or the describe call for the appropriate names."
    )
