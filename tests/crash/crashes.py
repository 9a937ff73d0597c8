"""Kills a trading process again and again, and holds each heir against the venue's own record.

    python tests/crash/crashes.py --deaths 91 --seed 1
    python tests/crash/crashes.py --venue tdx --todo J2,J5,,J16

The venue is one process and each life another, forked from this one, which has imported everything and runs nothing.
A life takes over what the last one left, is held against the venue once nothing is in doubt, trades, and is killed: at
a point of the journal (`crash_points.py`), or at any moment.

After each death: V1 no order was received twice; V2 what was received is in the journal, passed and begun to be sent;
V3 open orders, executed sums and position are the venue's; V4 each execution is booked once; V5 the venue can execute
no more than the heir counts, from its first moment on; V6 the journal gives the same state as often as it is read,
and from its last snapshot as from its beginning; V8 nothing is sent before the heir is reconciled.
"""

import argparse
import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import crash_life
import crash_venue
from crash_points import EARLY, POINTS

from tickwright.engine.journal_reading import read_journal, verify_journal

WITHIN_S = 25.0
"""What takes longer has failed."""
NEVER_THERE = {"J1": None, "J2": None, "J3": None, "J4": "FAILED", "J5": "FAILED"}
"""Points before an order can have reached its venue, and what becomes of it where the journal has it."""


class Broken(AssertionError):
    """An invariant does not hold."""


class Child:
    """A forked process and the two pipes to it."""

    def __init__(self, run: Any, *arguments: Any) -> None:
        commands, ours = os.pipe()
        theirs, answers = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # nobody outlives the one who watches
            os.close(ours)
            os.close(theirs)
            try:
                run(*arguments, commands, answers)
            finally:
                os._exit(1)
        os.close(commands)
        os.close(answers)
        self.commands, self.answers = ours, theirs
        self.waiting = b""
        self.status: int | None = None

    def say(self, **what: Any) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(self.commands, json.dumps(what).encode() + b"\n")

    def hear(self, within: float = WITHIN_S) -> dict[str, Any] | None:
        """The next line; None where the process has ended."""
        deadline = time.monotonic() + within
        while b"\n" not in self.waiting:
            ready, _, _ = select.select([self.answers], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            data = os.read(self.answers, 1 << 20)
            if not data:
                return None
            self.waiting += data
        line, _, self.waiting = self.waiting.partition(b"\n")
        told: dict[str, Any] = json.loads(line)
        return told

    def ask(self, **what: Any) -> dict[str, Any] | None:
        self.say(**what)
        return self.hear()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """How it ended: the signal, as a negative number, or its exit code."""
        if self.status is None:
            _, status = os.waitpid(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(status)
            os.close(self.commands)
            os.close(self.answers)
        return self.status


class Journalled:
    """What the journal says, read on from where it was read to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.at = 0
        self.intents: set[str] = set()
        self.starts: Counter[str] = Counter()
        self.passed: set[str] = set()
        self.booked: Counter[str] = Counter()
        self.position = 0

    def read(self) -> None:
        if not (self.folder / "journal.db").exists() or not (self.folder / "journal.head").exists():
            return
        for record in read_journal(self.folder, self.at):
            self.at = record.seq
            said = record.plain()
            if record.kind == "decision" and not said.get("denial") and said["verdict"] == 0:
                self.passed.add(said["id"])
            elif record.kind == "order" and said["event"] == "INTENT":
                self.intents.add(said["id"])
            elif record.kind == "order" and said["event"] == "SEND_START":
                self.starts[said["id"]] += 1
            elif record.kind == "fill":
                sign = -1 if said.get("taken_back") else 1
                self.booked[f"{said['id']} {said['trade_id']}"] += sign
                self.position += said["lots"] * (1 if said["side"] == "BUY" else -1)


class Crashes:
    """One venue, one folder, and the lives that follow each other there."""

    def __init__(self, venue: str, seed: int, folder: Path) -> None:
        self.venue = venue
        self.rng = Random(f"{venue} {seed}")
        self.seed = seed
        self.folder = folder
        self.exchange = Child(crash_venue.serve, venue, seed)
        served = self.exchange.hear()
        assert served is not None
        self.config = crash_life.config_in(folder, venue, seed, served)
        self.journal = Journalled(folder / "state")
        self.lives = 0
        self.reached: Counter[str] = Counter()
        self.dying: tuple[str, str] = ("", "")
        self.replayed = 0
        self.known: set[str] = set()
        self.killed = False
        self.opened_s: list[float] = []

    # --- one life after the other -----------------------------------------------------------------------------------

    def begin(self, point: str = "") -> Child:
        self.lives += 1
        seed = self.rng.randrange(1 << 30)
        if self.lives % 4 == 0:
            self.exchange.ask(do="look", cod_ms=self.rng.choice((0, 300, 3_600_000)))
        return Child(crash_life.live, self.config, point, seed)

    def crash(self, point: str) -> None:
        """A life that ends at a point of the journal."""
        for _ in range(6):
            life = self.begin(point)
            if self.one(life, point):
                return
        raise Broken(f"{point} was not reached in six lives")

    def one(self, life: Child, point: str) -> bool:
        """Let a life settle, trade and die; whether it died at its point."""
        if not self.settle(life, point in EARLY):
            return self.died(life, point)
        self.exchange.ask(do="go")
        if point in EARLY:  # its counter was not reached: it dies of something else
            return self.died(life, point, at_once=True)
        if point in ("J14", "J15"):
            life.ask(do="trade")
            time.sleep(self.rng.uniform(0.15, 0.4))
            self.killed = point == "J14"
            life.say(do="kill" if point == "J14" else "stop", arm=True)
        elif point == "J11":
            life.ask(do="trade")
            time.sleep(self.rng.uniform(0.05, 0.3))
            life.say(do="rotate", arm=True)
        else:
            life.say(do="trade", arm=True)
        return self.died(life, point)

    def fill_disk(self) -> None:
        """F34: a life whose disk is full: nothing new leaves, everything is cancelled, exit code 5."""
        life = self.begin("F34")
        if not self.settle(life):
            raise Broken("F34: it died before the disk was full")
        self.exchange.ask(do="go")
        before = self.exchange.ask(do="look")
        life.say(do="trade", arm=True)
        ended: dict[str, Any] = {}
        while (told := life.hear()) is not None:
            ended = told
        if life.wait() != 0 or ended.get("code") != 5:
            raise Broken(f"F34: expected exit code 5, received {ended}")
        venue = self.exchange.ask(do="look")
        if venue is None or before is None or venue["live"]:
            raise Broken(f"F34: the journal is dead, and the venue still has {venue}")
        self.check_received()
        self.dying = ("", "")
        self.reached["F34"] += 1

    def random(self) -> None:
        """A life that is killed at any moment: while it starts, while it settles, while it trades."""
        life = self.begin()
        if self.rng.random() < 0.4:
            time.sleep(self.rng.uniform(0.0, 0.4))
        elif self.settle(life):
            self.exchange.ask(do="go")
            life.say(do="trade")
            time.sleep(self.rng.uniform(0.0, 0.8))
        life.kill()
        self.died(life, "")

    def died(self, life: Child, point: str, at_once: bool = False) -> bool:
        """Wait for the end; see how it came, and what is on the disk."""
        victim, reached, ended = "", False, False
        deadline = time.monotonic() + (0.0 if at_once else 4.0)
        while True:
            try:
                told = life.hear(max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                life.kill()
                continue
            if told is None:
                break
            if told["what"] == "dying":
                reached, victim = True, told["victim"]
            elif told["what"] == "failed":
                raise Broken(f"{point}: the process failed:\n{told['error']}")
            elif told["what"] == "ended":
                ended = True
        how = life.wait()
        if how not in (-signal.SIGKILL, -signal.SIGXFSZ) and not (ended and how == 0):
            raise Broken(f"{point}: expected a killed process, it ended with {how}")
        reached = reached and how < 0
        self.dying = (point, victim) if reached else ("", "")
        self.reached[point if reached else "random"] += 1
        if (self.folder / "state" / "journal.head").exists():
            verify_journal(self.folder / "state")
        self.check_received()
        return reached

    # --- what must hold ---------------------------------------------------------------------------------------------

    def settle(self, life: Child, early: bool = False) -> bool:
        """Let an heir take over until nothing is in doubt, and hold it against the venue; False: it died before."""
        before = self.exchange.ask(do="look")
        begun = time.monotonic()
        told = life.hear()
        if told is None or told["what"] == "dying":
            if told is not None:
                life.waiting = json.dumps(told).encode() + b"\n" + life.waiting
            return False
        if told["what"] != "opened":
            raise Broken(f"expected an open run, received {told}")
        self.opened_s.append(time.monotonic() - begun)
        self.check_opened(told)
        deadline = time.monotonic() + WITHIN_S
        while True:
            told = life.ask(do="look")
            if told is None or told["what"] == "dying":
                if told is not None:
                    life.waiting = json.dumps(told).encode() + b"\n" + life.waiting
                return False
            if told["what"] == "failed":
                raise Broken(told["error"])
            ready = told["reconciled"] and not told["unknown"] and told["book"] == "LIVE"
            if ready and self.killed and not told["open"]:
                self.check_latch(life)
                continue
            if ready and not self.killed:
                self.exchange.ask(do="rest")
                venue = self.exchange.ask(do="look")
                told = life.ask(do="look")
                again = self.exchange.ask(do="look")
                if told is None or told["what"] != "shown":
                    return told is not None and self.push_back(life, told)
                if venue == again and not self.differences(told, venue):
                    break
            if time.monotonic() > deadline:
                venue = self.exchange.ask(do="look")
                raise Broken(f"V3: not settled: {told} {self.differences(told, venue)}")
            time.sleep(0.02)
        after = self.exchange.ask(do="look")
        if before is not None and after is not None and len(after["received"]) != len(before["received"]):
            raise Broken(f"V8: {set(after['received']) - set(before['received'])} was sent before it was asked for")
        self.check_settled(told, after)
        return True

    def push_back(self, life: Child, told: dict[str, Any]) -> bool:
        life.waiting = json.dumps(told).encode() + b"\n" + life.waiting
        return False

    def check_latch(self, life: Child) -> None:
        """A kill holds over the crash, and everything is cancelled; then it is taken away (J14)."""
        told = life.ask(do="look")
        if told is not None and told["what"] == "shown":
            venue = self.exchange.ask(do="look")
            if venue is not None and venue["live"]:
                raise Broken(f"J14: killed, and the venue still has {venue['live']}")
            life.ask(do="rearm")
            self.killed = False

    def check_opened(self, told: dict[str, Any]) -> None:
        """V5 and V6 of an heir that has said nothing yet."""
        first, *others = told["digests"]
        for which, other in zip(("its file read again", "the whole journal"), others, strict=True):
            if other != first:
                raise Broken(f"V6: {which} gives another state:\n{first}\n{other}")
        if self.killed and not told["latches"] and self.dying[0] == "J14":
            self.killed = False  # it died before the kill was on record
        venue = self.exchange.ask(do="look")
        assert venue is not None
        counted = {name: bound for name, _, _, _, bound in told["orders"]}
        done: dict[str, int] = defaultdict(int)
        for _, name, lots, _ in venue["executed"]:
            done[name] += lots
        states = {name: state for name, state, _, _, _ in told["orders"]}
        for name in {*done, *venue["live"]}:
            most = done[name] + venue["live"].get(name, (0, 0, 0))[1]
            if most > counted.get(name, 0) and not (name in states and states[name] in ("CANCELED", "EXPIRED")):
                raise Broken(f"V5: {name} ({states.get(name)}) may execute {most}, counted are {counted.get(name)}")
        if told["dead"]:
            raise Broken(f"the journal is dead: {told['dead']}")

    def differences(self, told: dict[str, Any], venue: dict[str, Any] | None) -> list[str]:
        """In what a life differs from the venue (V3)."""
        assert venue is not None
        found = []
        theirs = {name: executed for name, (executed, _, _) in venue["live"].items()}
        if told["open"] != theirs:
            found.append(f"open here {told['open']}, there {theirs}")
        position = sum(lots * side for _, _, lots, side in venue["executed"])
        if told["position"] != position:
            found.append(f"position {told['position']} here, {position} there")
        done: Counter[str] = Counter()
        for _, name, lots, _ in venue["executed"]:
            done[name] += lots
        for name, _, cum, _, _ in told["orders"]:
            if done[name] != cum:
                found.append(f"{name}: executed {cum} here, {done[name]} there")
        return found

    def check_received(self) -> None:
        """V1 and V2, after a death."""
        venue = self.exchange.ask(do="look")
        assert venue is not None
        self.journal.read()
        for name, count in Counter(venue["received"]).items():
            if count > 1:
                raise Broken(f"V1: {name} was received {count} times")
            for what, names in (
                ("intent", self.journal.intents),
                ("start of sending", self.journal.starts),
                ("passing", self.journal.passed),
            ):
                if name not in names:
                    raise Broken(f"V2: the venue received {name}, whose {what} is not in the journal")
        for name, count in self.journal.starts.items():
            if count > 1:
                raise Broken(f"V1: {name} began to be sent {count} times")

    def check_settled(self, told: dict[str, Any], venue: dict[str, Any] | None) -> None:
        """V4, what became of the order at which the last life died, and what the strategy was told."""
        assert venue is not None
        self.journal.read()
        for name, count in self.journal.booked.items():
            if count not in (0, 1):
                raise Broken(f"V4: {name} is booked {count} times")
        if self.journal.position != told["position"]:
            raise Broken(f"V4: the booked executions make {self.journal.position}, the position is {told['position']}")
        booked = sum(self.journal.booked.values())
        if booked != len(venue["executed"]):
            raise Broken(f"V4: {booked} executions are booked, {len(venue['executed'])} happened")
        self.check_victim(told, venue)
        self.check_strategy(told)

    def check_victim(self, told: dict[str, Any], venue: dict[str, Any]) -> None:
        point, victim = self.dying
        if point not in NEVER_THERE or not victim:
            return
        states = {name: state for name, state, _, _, _ in told["orders"]}
        wanted = NEVER_THERE[point]
        if victim in venue["received"]:
            raise Broken(f"{point}: the venue received {victim}")
        if states.get(victim) not in (None, wanted or "FAILED"):
            raise Broken(f"{point}: expected {victim} to be {wanted}, it is {states[victim]}")
        if point in ("J1", "J3") and victim in states:
            raise Broken(f"{point}: {victim} is in the journal, as {states[victim]}")

    def check_strategy(self, told: dict[str, Any]) -> None:
        """What happened since the strategy's state was kept is told to it again, once, and flagged."""
        lists = {"kept": told["known"], "replayed": told["replays"], "heard": told["heard"]}
        seen: Counter[str] = Counter()
        for what, names in lists.items():
            seen.update(names)
            twice = [name for name, count in Counter(names).items() if count > 1]
            if twice:
                raise Broken(f"J10: {twice} {what} twice")
        missing = [name for name, count in self.journal.booked.items() if count and name not in seen]
        if missing:
            raise Broken(f"J10: the strategy knows nothing of {missing}")
        twice = [name for name, count in seen.items() if count > 1]
        if twice:
            raise Broken(f"J10: the strategy was told again of {twice}, which it knew")
        self.replayed += len(told["replays"])

    def end(self) -> None:
        """A last life that ends in order, with nothing left."""
        life = self.begin()
        if not self.settle(life):
            raise Broken("the last life died by itself")
        life.say(do="stop")
        ended: dict[str, Any] = {}
        while (told := life.hear()) is not None:
            if told["what"] == "failed":
                raise Broken(told["error"])
            ended = told if told["what"] == "ended" else ended
        life.wait()
        if ended.get("code") != 0:
            raise Broken(f"expected an end in order, received {ended}")
        venue = self.exchange.ask(do="look")
        if venue is None or venue["live"]:
            raise Broken(f"orders are left: {venue}")
        self.check_received()

    def close(self) -> None:
        self.exchange.kill()
        self.exchange.wait()


def campaign(venue: str, seed: int, todo: list[str], folder: Path) -> Crashes:
    """Die at each of these points, in a random order; an empty one is any moment."""
    crashes = Crashes(venue, seed, folder)
    todo = list(todo)
    crashes.rng.shuffle(todo)
    try:
        for point in todo:
            try:
                if point == "F34":
                    crashes.fill_disk()
                elif point:
                    crashes.crash(point)
                else:
                    crashes.random()
            except (Broken, TimeoutError) as error:
                raise Broken(f"{venue}, seed {seed}, life {crashes.lives}, {point or 'random'}: {error!r}") from error
        crashes.end()
    finally:
        crashes.close()
    return crashes


def dealt(deaths: int, points: list[str]) -> list[str]:
    """So many deaths: each point in turn for a little more than half of them, the rest at any moment."""
    rounds = max(1, round(deaths * 0.55 / len(points)))
    at_points = [point for _ in range(rounds) for point in points][:deaths]
    return at_points + [""] * (deaths - len(at_points))


def both(chosen: argparse.Namespace) -> int:
    """Deal the deaths to two processes, one for each venue; the worse exit code."""
    every = dealt(chosen.deaths, chosen.points.split(","))
    running = []
    for number, venue in enumerate(sorted(crash_venue.KINDS)):
        mine = ",".join(every[number::2])
        command = [sys.executable, __file__, "--venue", venue, "--seed", str(chosen.seed), "--todo", mine]
        running.append(subprocess.Popen(command))
    return max(process.wait() for process in running)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venue", choices=sorted(crash_venue.KINDS), help="one alone; both by default")
    parser.add_argument("--points", default=",".join((*POINTS, "F34")), help="as J2,J5; F34 is a full disk")
    parser.add_argument("--deaths", type=int, default=91)
    parser.add_argument("--todo", help="exactly these, as J2,,J5; nothing between commas is any moment")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="where to leave state and runs; by default a temporary one")
    chosen = parser.parse_args()
    if chosen.venue is None:
        return both(chosen)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="crashes-") as made:
        folder = Path(chosen.folder or made)
        folder.mkdir(exist_ok=True)
        todo = dealt(chosen.deaths, chosen.points.split(",")) if chosen.todo is None else chosen.todo.split(",")
        try:
            done = campaign(chosen.venue, chosen.seed, todo, folder)
        except Broken as error:
            again = f"--venue {chosen.venue} --seed {chosen.seed} --todo {','.join(todo)}"
            print(f"BROKEN {error}\nagain: python {sys.argv[0]} {again}", flush=True)
            return 1
        size = sum(each.stat().st_size for each in (folder / "state").iterdir())
    deaths = ", ".join(f"{point} {count}" for point, count in sorted(done.reached.items()))
    print(
        f"{chosen.venue}: {done.lives} lives in {time.monotonic() - begun:.0f} s: {deaths}; "
        f"{sum(done.journal.starts.values())} orders, {sum(done.journal.booked.values())} executions, "
        f"{done.replayed} told again, state folder {size >> 10} KiB; "
        f"slowest take-over {max(done.opened_s, default=0):.2f} s",
        flush=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
