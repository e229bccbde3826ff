"""Coordinates of a state machine: states from top to bottom, forward jumps on the right, ways back on the left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.stateful import Stateful, edges_of, initial_states
from workflows.reporting.state_diagrams import states_of

BOX, ROW, GAP = 190, 46, 36
WORDS, LANE, EDGE = 86, 12, 8  # room for an arrow's name, between two lanes, outside
RADIUS = 6


@dataclass
class Box:
    """stays: transitions from it to itself."""

    name: str
    place: int
    is_birth: bool
    is_end: bool
    stays: list[str]
    top: float = 0
    height: float = ROW
    ports: dict[str, list[Arrow]] = field(default_factory=lambda: defaultdict(list))

    def port(self, arrow: Arrow, side: str) -> float:
        """Incoming arrows are above outgoing ones."""
        ports = self.ports[side]
        return self.top + self.height * (ports.index(arrow) + 1) / (len(ports) + 1)


@dataclass(eq=False)
class Arrow:
    """A transition from some states to one, on one side of the boxes."""

    name: str
    sources: list[Box]
    target: Box
    side: str  # right, left or straight
    lane: int = 0
    paths: list[str] = field(default_factory=list)
    words_x: float = 0
    words_y: float = 0
    anchor: str = "start"

    @property
    def span(self) -> tuple[int, int]:
        places = [box.place for box in (*self.sources, self.target)]
        return min(places), max(places)


@dataclass
class Diagram:
    width: float
    height: float
    left: float
    boxes: list[Box]
    arrows: list[Arrow]


def draw(model: type[Stateful]) -> Diagram:
    edges = edges_of(model)
    boxes = _boxes(model, edges)
    arrows = _arrows(boxes, edges)
    lanes = {side: _give_lanes([arrow for arrow in arrows if arrow.side == side]) for side in ("left", "right")}
    _give_ports(boxes.values(), arrows)
    rooms = {side: (WORDS + LANE * count if count else 0) + EDGE for side, count in lanes.items()}
    top = float(EDGE)
    for box in boxes.values():
        box.top, top = top, top + box.height + GAP
    for arrow in arrows:
        _route(arrow, rooms["left"])
    width = rooms["left"] + BOX + rooms["right"]
    return Diagram(width, top - GAP + EDGE, rooms["left"], list(boxes.values()), arrows)


def _boxes(model: type[Stateful], edges: list[tuple[str, str, str]]) -> dict[str, Box]:
    births = initial_states(model)
    leaving = {source for _, source, target in edges if source != target}
    return {
        state: Box(
            state,
            place,
            is_birth=state in births,
            is_end=state not in leaving,
            stays=[name for name, source, target in edges if source == target == state],
        )
        for place, state in enumerate(states_of(model))
    }


def _arrows(boxes: dict[str, Box], edges: list[tuple[str, str, str]]) -> list[Arrow]:
    """One arrow per name, target and direction; straight down if it leads to the next state only."""
    groups: dict[tuple[str, str, bool], list[Box]] = defaultdict(list)
    for name, source, target in edges:
        if source != target:
            groups[name, target, boxes[source].place < boxes[target].place].append(boxes[source])
    arrows, taken = [], set()
    for (name, target, is_forward), sources in groups.items():
        goal = boxes[target]
        is_next = is_forward and len(sources) == 1 and sources[0].place + 1 == goal.place and goal.place not in taken
        if is_next:
            taken.add(goal.place)
        arrows.append(Arrow(name, sources, goal, "straight" if is_next else "right" if is_forward else "left"))
    return arrows


def _give_lanes(arrows: list[Arrow]) -> int:
    """Short arrows nearest the boxes; arrows that do not overlap share a lane. Returns the number of lanes."""
    lanes: list[list[tuple[int, int]]] = []
    for arrow in sorted(arrows, key=lambda one: (one.span[1] - one.span[0], one.span[0], one.name)):
        low, high = arrow.span
        free = (n for n, spans in enumerate(lanes) if all(high < start or end < low for start, end in spans))
        arrow.lane = next(free, len(lanes))
        if arrow.lane == len(lanes):
            lanes.append([])
        lanes[arrow.lane].append((low, high))
    return len(lanes)


def _give_ports(boxes: Iterable[Box], arrows: list[Arrow]) -> None:
    for side in ("left", "right"):
        ours = sorted((arrow for arrow in arrows if arrow.side == side), key=lambda arrow: arrow.lane)
        for arrow in ours:
            arrow.target.ports[side].append(arrow)
        for arrow in ours:
            for source in arrow.sources:
                source.ports[side].append(arrow)
    for box in boxes:
        coming = max((sum(arrow.target is box for arrow in ports) for ports in box.ports.values()), default=0)
        most = max(map(len, box.ports.values()), default=0)
        box.height = max(ROW + (15 if box.stays else 0), 16 * coming + 9 * (most - coming) + 12)


def _route(arrow: Arrow, left: float) -> None:
    middle = left + BOX / 2
    if arrow.side == "straight":
        start, end = arrow.sources[0].top + arrow.sources[0].height, arrow.target.top
        arrow.paths = [f"M{middle:g} {start:g}V{end - 5:g}"]
        arrow.words_x, arrow.words_y = middle + 8, (start + end) / 2 + 3
        return
    way = 1 if arrow.side == "right" else -1
    wall = left + BOX if way > 0 else left
    lane = wall + way * (WORDS + LANE * arrow.lane)
    end = arrow.target.port(arrow, arrow.side)
    for source in arrow.sources:
        start = source.port(arrow, arrow.side)
        turn = RADIUS if end > start else -RADIUS
        arrow.paths.append(
            f"M{wall:g} {start:g}H{lane - way * RADIUS:g}Q{lane:g} {start:g} {lane:g} {start + turn:g}"
            f"V{end - turn:g}Q{lane:g} {end:g} {lane - way * RADIUS:g} {end:g}H{wall + way * 5:g}"
        )
    arrow.words_x, arrow.words_y = wall + way * 12, end - 4
    arrow.anchor = "start" if way > 0 else "end"
