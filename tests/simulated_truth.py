"""What a timeline says, held against what the simulated endpoints truly did."""

from __future__ import annotations

from dataclasses import dataclass

from simulated_path import PORTS, SIDES, START, chunk, segment_rows

from pcapstate.replay.engine import replay
from pcapstate.schema import EVIDENCE, MISSING, STATES

CERTAIN = ("sent", "confirmed")


@dataclass(frozen=True)
class Row:
    """A row of the timeline; times in ns since the start of the simulation, None where there is no bound."""

    flow: int
    side: int
    frame: int | None
    before: str
    event: str
    after: str
    evidence: str
    earliest: int | None
    latest: int | None
    estimate: int
    proof: int | None


def timeline(chunks):
    """The rows of a replay. Sides are told by their ports: 0 is the simulator's client, whatever role it was given."""
    table = replay(chunks, keep=("segments",)).table("timeline")
    words = ("", *STATES)

    def since(value):
        return None if value == MISSING else int(value) - START

    def number(value):
        return None if value == MISSING else int(value)

    return [
        Row(
            flow=int(table["flow"][i]),
            side=PORTS.index(int(table["port"][i])),
            frame=number(table["frame"][i]),
            before=words[table["from_state"][i]],
            event=table["event"].words[table["event"].codes[i]],
            after=STATES[table["to_state"][i]],
            evidence=EVIDENCE[table["evidence"][i]],
            earliest=since(table["earliest"][i]),
            latest=since(table["latest"][i]),
            estimate=since(table["estimate"][i]),
            proof=number(table["proof"][i]),
        )
        for i in range(len(table["flow"]))
    ]


def replayed(played):
    return timeline([chunk(segment_rows(played.seen))])


def within(row, time, complete):
    after = row.earliest is None or row.earliest <= time or not complete
    return after and (row.latest is None or time <= row.latest)


def contradictions(truth, rows, complete=True):
    """What is certain and wrong, and bounds that do not hold, in sentences; empty if all is well.

    A side's certain rows must be found among its true transitions, in their order, whatever caused them. Of the other
    rows, those whose transition truly happened must have had it within their bounds. ``complete``: the capture holds
    all that passed. If it does not, nothing shows that the first carrier in it is not the second: `earliest` says then
    only what the capture says, and is not judged.
    """
    found = []
    for side in (0, 1):
        flows = sorted({row.flow for row in rows if row.side == side})
        for flow in flows:
            at = 0
            for row in (row for row in rows if row.side == side and row.flow == flow):
                if row.evidence == "timer":
                    continue
                true = [(i, time, event) for i, (time, _, event, after) in enumerate(truth[side]) if after == row.after]
                inside = [i for i, time, _ in true if within(row, time, complete)]
                if row.evidence in CERTAIN:
                    later = [i for i in inside if i >= at]
                    if not later:
                        found.append(f"certain and wrong: {describe(row)}")
                    else:
                        at = later[0]
                elif not inside and any(event == row.event for _, _, event in true):
                    found.append(f"out of bounds: {describe(row)}")
    return found


def describe(row):
    def ms(time):
        return "-" if time is None else f"{time / 1e6:.3f}"

    return (
        f"flow {row.flow} {SIDES[row.side]} {row.before or '(seen)'} -> {row.after} by {row.event}, {row.evidence}, "
        f"[{ms(row.earliest)}, {ms(row.latest)}], frame {row.frame}, proof {row.proof}"
    )
