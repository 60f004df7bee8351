"""Parsing of expressions and conditions, the part of the grammar that WHERE and HAVING share."""

from __future__ import annotations

import datetime as dt
import re

from demo_org.errors import ApiError, malformed
from demo_org.soql.ast import (
    Call,
    Comparison,
    Condition,
    Junction,
    Literal,
    Membership,
    Negation,
    Path,
    Query,
)
from demo_org.soql.ranges import RANGE_NAMES
from demo_org.soql.tokens import Token, like_pattern, unescape


class ConditionParser:
    """A cursor over tokens with the rules for expressions, values and conditions."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text = text
        self._tokens = tokens
        self._at = 0

    @property
    def token(self) -> Token:
        """The token that comes next."""
        return self._tokens[self._at]

    def peek(self) -> Token:
        """Give the token after the next one."""
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def advance(self) -> Token:
        """Take the next token, whatever it is."""
        token = self.token
        if token.kind != "end":
            self._at += 1
        return token

    def unexpected(self) -> ApiError:
        """Give the error for the next token."""
        return malformed(self.text, self.token.position, f"unexpected token: '{self.token.text}'")

    def take_word(self, word: str) -> bool:
        """Take the next token if it is this keyword."""
        if self.token.word != word:
            return False
        self.advance()
        return True

    def take_operator(self, text: str) -> bool:
        """Take the next token if it is this operator."""
        if self.token.kind != "operator" or self.token.text != text:
            return False
        self.advance()
        return True

    def expect_word(self, word: str) -> None:
        """Take this keyword or fail."""
        if not self.take_word(word):
            raise self.unexpected()

    def expect_operator(self, text: str) -> None:
        """Take this operator or fail."""
        if not self.take_operator(text):
            raise self.unexpected()

    def expect_name(self) -> Token:
        """Take a name or fail."""
        if self.token.kind != "name":
            raise self.unexpected()
        return self.advance()

    def expression(self) -> Path | Call:
        """Parse a field or a function of a field."""
        first = self.expect_name()
        if self.take_operator("("):
            inner = None if self.token.text == ")" and self.token.kind == "operator" else self.expression()
            self.expect_operator(")")
            path = inner.path if isinstance(inner, Call) else inner
            return Call(first.word, path, first.position)
        parts = [first.text]
        while self.take_operator("."):
            parts.append(self.expect_name().text)
        return Path(tuple(parts), first.position)

    def condition(self) -> Condition:
        """
        Parse a condition.

        SOQL allows no mixture of AND and OR without parentheses.
        """
        terms = [self._term()]
        word = ""
        while self.token.word in {"AND", "OR"}:
            if word and self.token.word != word:
                raise self.unexpected()
            word = self.advance().word
            terms.append(self._term())
        return terms[0] if len(terms) == 1 else Junction(word, tuple(terms))

    def _term(self) -> Condition:
        if self.take_word("NOT"):
            return Negation(self._term())
        if self.take_operator("("):
            inner = self.condition()
            self.expect_operator(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Condition:
        left = self.expression()
        if self.take_word("NOT"):
            self.expect_word("IN")
            return Membership(left, self._members(), negated=True)
        if self.take_word("IN"):
            return Membership(left, self._members(), negated=False)
        if self.take_word("LIKE"):
            return Comparison(left, "LIKE", self._literal())
        if self.token.kind != "operator" or self.token.text not in {"=", "!=", "<>", "<", ">", "<=", ">="}:
            raise self.unexpected()
        operator = self.advance().text
        return Comparison(left, "!=" if operator == "<>" else operator, self._literal())

    def _members(self) -> tuple[Literal, ...] | Query:
        self.expect_operator("(")
        if self.token.word == "SELECT":
            inner = self.query()
            self.expect_operator(")")
            return inner
        values = [self._literal()]
        while self.take_operator(","):
            values.append(self._literal())
        self.expect_operator(")")
        return tuple(values)

    def query(self) -> Query:
        """Parse a subquery; the parser of whole queries knows how."""
        raise NotImplementedError

    def _literal(self) -> Literal:
        token = self.advance()
        at = token.position
        if token.kind == "string":
            return Literal("string", unescape(token.text), at, like_pattern(token.text))
        if token.kind == "number":
            number = float(token.text) if re.search(r"[.eE]", token.text) else int(token.text)
            return Literal("number", number, at)
        if token.kind in {"date", "datetime"}:
            return self._moment(token)
        if token.word in {"TRUE", "FALSE"}:
            return Literal("boolean", token.word == "TRUE", at)
        if token.word == "NULL":
            return Literal("null", None, at)
        if token.word in RANGE_NAMES:
            return self._range(token)
        raise malformed(self.text, at, f"unexpected token: '{token.text}'")

    def _moment(self, token: Token) -> Literal:
        try:
            if token.kind == "date":
                return Literal("date", dt.date.fromisoformat(token.text), token.position)
            moment = dt.datetime.fromisoformat(token.text).astimezone(dt.UTC)
        except ValueError:
            text = f"line 1:{token.position} invalid date: {token.text}"
            raise malformed(self.text, token.position, text) from None
        return Literal("datetime", moment, token.position)

    def _range(self, token: Token) -> Literal:
        count = None
        if self.take_operator(":"):
            number = self.advance()
            if number.kind != "number" or not number.text.isdigit():
                raise malformed(self.text, number.position, f"unexpected token: '{number.text}'")
            count = int(number.text)
        if (count is None) == RANGE_NAMES[token.word]:
            raise malformed(self.text, token.position, f"unexpected token: '{token.text}'")
        return Literal("range", (token.word, count), token.position)
