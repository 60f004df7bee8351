"""Recursive descent from tokens to the tree. Case of keywords and names does not matter."""

from __future__ import annotations

from demo_org.errors import ApiError, malformed
from demo_org.soql.ast import Call, FieldsOf, Ordering, Path, Query, Selected, TypeOf
from demo_org.soql.conditions import ConditionParser
from demo_org.soql.tokens import tokenize

_CLAUSES = {"WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "WITH", "USING", "UPDATE", "ALL"}


def parse(query: str) -> Query:
    """
    Parse a query.

    Args:
        query: SOQL text.

    Returns:
        Its tree.

    Raises:
        ApiError: ``MALFORMED_QUERY`` with row and column.
    """
    if not query.strip():
        raise ApiError(400, "MALFORMED_QUERY", "SOQL statements cannot be empty or null")
    parser = _QueryParser(query, tokenize(query))
    tree = parser.query()
    if parser.token.kind != "end":
        raise parser.unexpected()
    return tree


class _QueryParser(ConditionParser):
    """The clauses of a query; conditions come from the base class."""

    def query(self) -> Query:
        position = self.token.position
        self.expect_word("SELECT")
        select = [self._selected()]
        while self.take_operator(","):
            select.append(self._selected())
        self.expect_word("FROM")
        source = self.expect_name()
        alias = self._source_alias()
        if self.token.kind == "operator" and self.token.text == ",":
            raise self.unexpected()
        clauses = self._clauses()
        return Query(
            text=self.text,
            select=tuple(select),
            source=source.text,
            source_position=source.position,
            alias=alias,
            position=position,
            **clauses,  # type: ignore[arg-type]
        )

    def _source_alias(self) -> str | None:
        if self.take_word("AS"):
            return self.expect_name().text
        if self.token.kind == "name" and self.token.word not in _CLAUSES:
            return self.advance().text
        return None

    def _clauses(self) -> dict[str, object]:
        found: dict[str, object] = {}
        if self.take_word("USING"):
            self.expect_word("SCOPE")
            self.expect_name()
        if self.take_word("WHERE"):
            found["where"] = self.condition()
        if self.take_word("WITH"):
            self._security_mode()
        if self.token.word == "GROUP":
            found["group_position"] = self.advance().position
            self.expect_word("BY")
            found["group_by"] = tuple(self._expressions())
        if self.take_word("HAVING"):
            found["having"] = self.condition()
        if self.take_word("ORDER"):
            self.expect_word("BY")
            found["order_by"] = tuple(self._orderings())
        if self.take_word("LIMIT"):
            found["limit"] = self._count()
        if self.token.word == "OFFSET":
            found["offset_position"] = self.advance().position
            found["offset"] = self._count()
        self._trailing_words()
        return found

    def _security_mode(self) -> None:
        mode = self.expect_name()
        if mode.word not in {"SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"}:
            raise malformed(self.text, mode.position, f"unexpected token: '{mode.text}'")

    def _trailing_words(self) -> None:
        while self.token.word in {"FOR", "ALL", "UPDATE"}:
            self.advance()
            self.expect_name()

    def _count(self) -> int:
        token = self.advance()
        if token.kind != "number" or not token.text.isdigit():
            raise malformed(self.text, token.position, f"unexpected token: '{token.text}'")
        return int(token.text)

    def _expressions(self) -> list[Path | Call]:
        expressions = [self.expression()]
        while self.take_operator(","):
            expressions.append(self.expression())
        return expressions

    def _orderings(self) -> list[Ordering]:
        orderings = [self._ordering()]
        while self.take_operator(","):
            orderings.append(self._ordering())
        return orderings

    def _ordering(self) -> Ordering:
        key = self.expression()
        descending = False
        if self.token.word in {"ASC", "DESC"}:
            descending = self.advance().word == "DESC"
        nulls_first = True
        if self.take_word("NULLS"):
            where = self.expect_name()
            if where.word not in {"FIRST", "LAST"}:
                raise malformed(self.text, where.position, f"unexpected token: '{where.text}'")
            nulls_first = where.word == "FIRST"
        return Ordering(key, descending, nulls_first)

    def _selected(self) -> Selected:
        if self.take_operator("("):
            inner = self.query()
            self.expect_operator(")")
            return Selected(inner)
        if self.token.word == "TYPEOF":
            return Selected(self._typeof())
        if self.token.word == "FIELDS" and self.peek().text == "(":
            return Selected(self._fields())
        item = self.expression()
        alias = None
        if self.token.kind == "name" and self.token.word != "FROM":
            alias = self.advance().text
        return Selected(item, alias)

    def _typeof(self) -> TypeOf:
        start = self.advance()
        while self.token.word != "END":
            if self.token.kind == "end":
                raise self.unexpected()
            self.advance()
        self.advance()
        return TypeOf(start.position)

    def _fields(self) -> FieldsOf:
        start = self.advance()
        self.expect_operator("(")
        group = self.expect_name()
        if group.word not in {"ALL", "STANDARD", "CUSTOM"}:
            raise malformed(self.text, group.position, f"unexpected token: '{group.text}'")
        self.expect_operator(")")
        return FieldsOf(group.word, start.position)
