"""A run of a day that is published already, one step after the other, each tried where something breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from demo_org.truth import Truth
from demo_org.world import World
from license_ledger import pipeline, reader
from license_ledger.run import RunContext
from license_ledger.staging.storage import Storage
from tests.component.faults.apart import Ended, KeptTokens, apart
from tests.demo_org_fixtures import TODAY
from tests.published import require_explained, require_true
from tests.walk import MemoryJob, Walk, noon

VALUES = {"bulk_threshold": 30}
SWITCHES: dict[str, Any] = {"bulk_seconds": 0.0, "bulk_page_rows": 18}

Step = Callable[[RunContext], Any]


def world_of_today() -> World:
    """A small world at midday."""
    world = World(seed=5, users=40, today=TODAY)
    world.set_clock(noon(TODAY))
    return world


@dataclass
class Run:
    """
    A run.

    Attributes:
        walk: the walk it is a run of.
        world: of the org.
        log: receives what processes say.
        storage: makes the storage at a URL, in the process that uses it.
        before: the snapshot that is published before the run.
        context: of the run, once it has chosen its source.
    """

    walk: Walk
    world: World
    log: Path
    storage: Callable[[str], Storage] = Storage.from_url
    before: str = ""
    context: RunContext = field(init=False)

    def __post_init__(self) -> None:
        self.expected = Truth(self.world).expected(company_names=["*"])
        self.context = self.walk.context()
        self.context = self.on(self.storage)

    def steps(self) -> Iterator[tuple[str, Step]]:
        """The steps, each to be done before the next is asked for."""
        yield "choose_source", lambda context: dict(pipeline.choose_source(context))
        source = pipeline.choose_source(self.context)
        self.context = replace(self.context, source=source, org_id=source["org_id"])
        yield "refresh_token", lambda context: dict(pipeline.refresh_token(context))
        yield "inspect_org", lambda context: dict(pipeline.inspect_org(context))
        for unit in pipeline.inspect_org(self.context)["units"]:
            yield (
                f"extract {unit['label']}",
                lambda context, unit=unit: dict(pipeline.extract(context, unit, MemoryJob())),
            )
        for name in ("transform", "reconcile", "check", "publish", "load_warehouse"):
            yield name, lambda context, name=name: dict(getattr(pipeline, name)(context))

    def tried(
        self,
        step: Step,
        breaking: Callable[[], object] = lambda: None,
        storage: Callable[[str], Storage] | None = None,
    ) -> Ended:
        """A step in a process of its own, with storage of its own, after something was broken there."""

        def work() -> Any:
            context = self.on(storage or self.storage)
            breaking()
            return step(context)

        return apart(work, self.log)

    def snapshot(self) -> reader.Snapshot:
        """What is published, whole and true."""
        found = reader.open_snapshot(self.context.staging, self.world.org_id, self.context.snapshot_date)
        found.verify()
        require_true(found, self.expected, found.snapshot_id)
        require_explained(found)
        return found

    def on(self, storage: Callable[[str], Storage]) -> RunContext:
        """The context with other storages at the same places."""
        settings = self.walk.settings
        return replace(self.context, staging=storage(settings.staging), landing=storage(settings.landing_url))


def walk_of_today(connection: dict[str, Any], root: Path, **values: Any) -> Walk:
    """A walk whose tokens outlive a process."""
    (root / "walk").mkdir()
    tokens = KeptTokens(root / "tokens.json")
    return Walk(connection, root / "walk", noon(TODAY), tokens, {**VALUES, **values})
