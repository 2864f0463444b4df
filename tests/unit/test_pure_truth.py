"""Whatever happens, what is shown in the end is what the server holds.

A model of a server, of Tango and of the pool drives the table, the cache and the looks
in any interleaving, in each mode. No Tango, no thread and no clock: a step is a moment.
What the model's Tango does is what has been seen of the real one: it answers late, once
or twice; it goes on trying in the modes that say so; a server that was started again is
subscribed to anew after a while, and for a while after that events may be lost, as are
those that are sent before the channel of a first subscription is open. A server
numbers its events from one, and Tango drops one with the number of the last.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from taurus_tpo.core import modes
from taurus_tpo.core.lifecycle import (
    POLLED_STATES,
    WORKING,
    Effect,
    Input,
    Lifecycle,
    State,
)
from taurus_tpo.core.modes import FirstCallback, Reads, SubMode
from taurus_tpo.core.value_cache import ValueCache
from taurus_tpo.core.verification import FIRST_CHECKS, Verification

DOWN = ConnectionError("the server does not run")
HUNG = TimeoutError("the server does not answer")
BROKEN = RuntimeError("the subscription is broken")
FAILS = ValueError("the attribute cannot be read")


@dataclass(eq=False)
class Link:
    """A subscription as Tango has it.

    :param works: whether it is there as far as Tango knows.
    :param lost: whether the server has forgotten it, which Tango does not know yet.
    :param carries: whether events get through.
    :param stands: whether it was there once: Tango goes on trying in each mode.
    :param ended: whether the attribute has given it up: nobody is called any more, but
        for what was on its way.
    :param calls: what Tango will say, in this order.
    :param waits: whether Tango has still to try for the first time.
    :param number: that of the last event that it has had.
    :param dropped: whether it has dropped one with that number.
    :param heard: whether it has said anything but that it failed.
    :param was_lost: whether it has said that after something else.
    """

    mode: SubMode
    works: bool = False
    lost: bool = False
    stands: bool = False
    carries: bool = False
    ended: bool = False
    waits: bool = True
    calls: list[tuple[Input, Any]] = field(default_factory=list)
    number: int = 0
    dropped: bool = False
    heard: bool = False
    was_lost: bool = False

    def bring(self, number: int, answer: Any) -> None:
        """Take an event of the server's, unless it looks like the one before."""
        twice = number == self.number and not self.dropped
        self.number, self.dropped = number, twice
        if not twice:
            self.calls.append((Input.EVENT, answer))

    def take_note(self, what: Input) -> None:
        """Remember what is said of it."""
        failed = what is Input.FAILED
        self.was_lost |= failed and self.heard
        self.heard |= not failed


@dataclass(frozen=True)
class Publication:
    """What listeners were told: a value with its time stamp, or (None) an error.

    :param is_first: whether those who listen knew nothing yet.
    """

    value: int | None = None
    stamp: float = float("-inf")
    was_read: bool = False
    is_first: bool = False


class Attribute:
    """An attribute as the scheme has it: it carries out what the table decides."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.life = Lifecycle()
        self.cache: ValueCache[int] = ValueCache()
        self.settling = Verification()
        self.polled = False
        self.connecting = False
        self.link: Link | None = None
        self.reads = 0
        self.look = False
        #: Whether it is compared at its polling period.
        self.checked = False
        self.has_passing_error = False
        #: What those who listen were told last: a value, or an error; None: nothing.
        self.told: Any = None
        #: What the listeners were told, in this order.
        self.published: list[Publication] = []

    def hear(self, what: Input, value: Any, begun: float | None = None) -> None:
        """Take what an event or a read brought; an error is looked after."""
        self.happen(what, value, begun)
        if isinstance(value, Exception):
            self.happen(Input.DOUBTED)

    def happen(
        self, what: Input, value: Any = None, begun: float | None = None
    ) -> None:
        """Let ``what`` happen.

        :param value: a value with its stamp, or an error.
        :param begun: when the read began; None for an event.
        """
        if self.life.state is State.IDLE:
            self.told = None
            self.cache.begin_anew()
        for effect in self.life.feed(what):
            if effect is Effect.PUBLISH:
                self.publish(value, begun, repeats=what is Input.EVENT)
            else:
                getattr(self, effect.name.lower())()

    def is_opened_by(self, value: tuple[int, float]) -> bool:
        """Return whether it has come through the channel, as far as can be known."""
        newer = value[1] > self.cache.known.stamp
        opening = self.life.state is State.OPENING and newer
        return opening or self.life.state is State.UNTRUSTED

    def publish(self, news: Any, begun: float | None, repeats: bool) -> None:
        now = self.world.tick()
        if isinstance(news, Exception):
            taken = self.cache.offer_error(news, now, begun)
            told, publication = news, Publication(is_first=self.told is None)
        else:
            taken = self.cache.offer(*news, now, begun)
            first, was_read = self.told is None, begun is not None
            told, publication = news[0], Publication(*news, was_read, first)
        if taken and (repeats or told != self.told):
            self.published.append(publication)
        if taken:
            self.told = told

    def connect(self) -> None:
        self.connecting = True

    def subscribe(self) -> None:
        assert self.world.mode is not None
        self.begin(self.world.mode)

    def subscribe_retrying(self) -> None:
        self.begin(modes.RETRYING)

    def begin(self, mode: SubMode) -> None:
        assert self.link is None or self.link.ended, "it is subscribed to twice"
        self.link = link = Link(mode)
        self.world.links.append(link)
        if not mode.raises:
            return
        link.waits = False
        if not self.world.can_subscribe:
            link.ended = True
            self.happen(Input.REFUSED)
            return
        self.world.accept(link)
        if not mode.tells_success:
            self.happen(Input.ACCEPTED)

    def renew(self) -> None:
        self.unsubscribe()
        self.begin(modes.RETRYING)

    def unsubscribe(self) -> None:
        self.connecting = self.look = self.checked = False
        link, self.link = self.link, None
        if link is not None:
            link.ended = True

    def poll(self) -> None:
        assert not self.polled
        self.polled = True

    def stop_polling(self) -> None:
        self.polled = False

    def read(self) -> None:
        self.reads += 1

    def watch(self) -> None:
        """Check no more: the truth is reached without, in the end."""
        self.checked = False

    def check(self) -> None:
        self.checked = True

    def look_once(self) -> None:
        self.look = True

    def look_again(self) -> None:
        anew = self.link is not None and self.link.was_lost
        self.settling = Verification(proven=not anew)
        self.look, self.checked = True, False

    def is_passing(self, answer: Any) -> bool:
        """Return whether it is an error that is not told before it comes again."""
        is_first = not self.has_passing_error
        shows_value = self.life.state in WORKING and isinstance(self.told, int)
        failed = isinstance(answer, Exception)
        self.has_passing_error = failed and shows_value and is_first
        return self.has_passing_error

    def look_at_error(self, look: bool) -> None:
        if self.life.state is State.VERIFYING:
            if look:
                self.go_on_looking(agrees=False, failed=True)
        elif self.life.state is not State.UNTRUSTED:
            self.happen(Input.DOUBTED)

    def looked(self, answer: Any, begun: float) -> None:
        """Take what a look brought: told where it is news."""
        failed, state = isinstance(answer, Exception), self.life.state
        agrees = not failed and answer[0] == self.told
        before, told = self.cache.known, self.told
        if not (agrees and state in WORKING):
            self.hear(Input.READ, answer, begun)
        if self.life.state is State.VERIFYING:
            self.go_on_looking(agrees, failed)
        elif not failed and isinstance(told, int) and self.cache.known is not before:
            self.happen(Input.CONTRADICTED)
        elif self.life.state is State.OPENING:
            self.happen(Input.VERIFIED)

    def go_on_looking(self, agrees: bool, failed: bool) -> None:
        settling = self.settling
        if not (settling.failed() if failed else settling.look(agrees)):
            self.look = True
        elif not settling.proven:
            self.happen(Input.UNPROVEN)
        else:
            trusted = settling.trusted
            self.happen(Input.VERIFIED if trusted else Input.CONTRADICTED)

    def failed(self) -> None:
        """A subscription has failed: Tango goes on, unless the server hangs."""
        if self.world.hung:
            self.unsubscribe()
            self.happen(Input.REJECTED)
        else:
            self.happen(Input.FAILED)


class World:
    """The server, Tango and the pool around one attribute."""

    def __init__(self, mode: SubMode | None) -> None:
        self.mode = mode
        self.clock = itertools.count(1)
        self.up = True
        self.hung = False
        self.events = True
        self.fails = False
        #: Whether it sends no events though it has promised to.
        self.mute = False
        #: Whether it has changed so since the last look began, if there was one.
        self.untold = False
        self.truth = (0, float(next(self.clock)))
        self.links: list[Link] = []
        #: How many events the server has sent since it was started.
        self.number = 0
        #: What was read, and is on its way to the attribute.
        self.readings: list[tuple[Any, float, bool]] = []
        self.attribute = Attribute(self)

    def tick(self) -> float:
        return float(next(self.clock))

    @property
    def answers(self) -> bool:
        return self.up and not self.hung

    @property
    def can_subscribe(self) -> bool:
        return self.answers and self.events

    def change(self) -> None:
        """The value changes; who is subscribed hears of it, if events get through."""
        self.truth = (self.truth[0] + 1, self.tick())
        self.push()

    def break_or_mend(self, fails: bool, tells: bool) -> None:
        """The attribute itself fails, or does so no longer; not all push that."""
        if fails is not self.fails:
            self.fails = fails
            if tells:
                self.push()

    def renew(self) -> None:
        """The device is made anew, with another value; its configuration is told."""
        self.truth = (self.truth[0] + 1, self.tick())
        for link in self.links:
            if link.works and not link.lost and not link.ended:
                link.calls.append((Input.RENEWED, None))

    def push(self) -> None:
        self.untold = self.mute
        if self.mute:
            return
        self.number += 1
        for link in self.links:
            if self.events and link.works and link.carries and not link.ended:
                link.bring(self.number, self.answer)

    @property
    def answer(self) -> Any:
        """What the attribute says, where its server answers."""
        return FAILS if self.fails else self.truth

    def accept(self, link: Link, carries: bool = False) -> None:
        """Tango has subscribed; the channel of the events may not be open yet."""
        link.works = link.stands = True
        link.lost = link.waits = False
        link.carries = carries
        if link.mode.first_callback is FirstCallback.ON_NEXT_EVENT:
            return
        with_data = link.mode.reads is not Reads.NEVER
        news = (Input.EVENT, self.answer) if with_data else (Input.ACCEPTED, None)
        link.calls.append(news)

    def start(self) -> None:
        """The server is started again, with another value."""
        self.truth = (self.truth[0] + 1, self.tick())
        self.number = 0

    def lose_links(self) -> None:
        """The server forgets all subscriptions; Tango does not know it yet."""
        for link in self.links:
            link.lost, link.carries = True, False

    def read(self, look: bool = False) -> None:
        """The pool reads; the answer is on its way."""
        begun = self.tick()
        self.untold &= not (look and self.answers)
        error = DOWN if not self.up else HUNG
        answer = self.answer if self.answers else error
        self.readings.append((answer, begun, look))

    def deliver(self, number: int) -> None:
        """What was read arrives."""
        answer, begun, look = self.readings.pop(number)
        attribute = self.attribute
        if not attribute.polled and attribute.is_passing(answer):
            attribute.look_at_error(look)
        elif look:
            self.attribute.looked(answer, begun)
        else:
            self.attribute.hear(Input.READ, answer, begun)

    def call_back(self, link: Link) -> None:
        """Tango says the next thing that it has to say of ``link``."""
        what, value = link.calls.pop(0)
        link.take_note(what)
        if link is not self.attribute.link:
            # Too late: the subscription drops it.
            return
        if what is Input.FAILED:
            self.attribute.failed()
        else:
            brings_value = what is Input.EVENT and not isinstance(value, Exception)
            if brings_value:
                self.attribute.settling.heard()
            came_through = brings_value and self.attribute.is_opened_by(value)
            before = self.attribute.cache.known
            self.attribute.hear(what, value)
            if came_through:
                self.attribute.happen(Input.OPENED)
            elif brings_value and self.attribute.cache.known is before:
                self.attribute.happen(Input.DOUBTED)

    def try_link(self, link: Link, carries: bool) -> None:
        """Tango tries to subscribe, or sees whether a subscription still works."""
        sound = link.works and not link.lost and not self.hung
        if link.ended or sound:
            return
        if link.works or (link.waits and not self.can_subscribe):
            # It says so before it subscribes anew, also where that succeeds at once.
            link.works = link.waits = False
            link.calls.append((Input.FAILED, BROKEN))
        if self.can_subscribe and (link.mode.retries or link.stands or link.waits):
            self.accept_anew(link, carries)

    def accept_anew(self, link: Link, carries: bool) -> None:
        anew = link.stands
        self.accept(link, carries)
        if anew and not link.mode.tells_success:
            # Of one that it has subscribed to anew, Tango tells in each mode.
            link.calls.append((Input.EVENT, self.answer))


class Truth(RuleBasedStateMachine):
    """Any interleaving of what may happen."""

    mode: SubMode | None = None

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.mode)
        self.attribute = self.world.attribute
        self.closed = 0

    # --- whoever uses it ---

    @rule()
    def listen(self) -> None:
        polled = self.world.mode is None
        self.attribute.happen(Input.LISTEN_POLLED if polled else Input.LISTEN)

    @rule()
    def unlisten(self) -> None:
        self.attribute.happen(Input.UNLISTEN)

    # --- the server ---

    @rule()
    def change(self) -> None:
        self.world.change()

    @precondition(lambda self: self.world.answers)
    @rule()
    def renew(self) -> None:
        self.world.renew()

    @rule(up=st.booleans())
    def start_or_stop(self, up: bool) -> None:
        if self.world.up and not up:
            self.world.lose_links()
        if up and not self.world.up:
            self.world.start()
        self.world.up = up

    @rule(hung=st.booleans())
    def hang_or_resume(self, hung: bool) -> None:
        self.world.hung = hung

    @rule(fails=st.booleans(), tells=st.booleans())
    def break_or_mend(self, fails: bool, tells: bool) -> None:
        self.world.break_or_mend(fails, tells)

    @rule(mute=st.booleans())
    def send_no_events_or_do(self, mute: bool) -> None:
        self.world.mute = mute

    @rule(events=st.booleans())
    def events_on_or_off(self, events: bool) -> None:
        if not events:
            self.world.lose_links()
        self.world.events = events

    # --- Tango ---

    @precondition(lambda self: self.world.links)
    @rule(data=st.data(), carries=st.booleans())
    def tango_tries(self, data: st.DataObject, carries: bool) -> None:
        """Events of a subscription may not get through at first."""
        link = data.draw(st.sampled_from(self.world.links))
        self.world.try_link(link, carries)

    @precondition(lambda self: self.world.links)
    @rule()
    def channels_open(self) -> None:
        self.events_get_through()

    @precondition(lambda self: any(link.calls for link in self.world.links))
    @rule(data=st.data())
    def tango_calls_back(self, data: st.DataObject) -> None:
        calling = [link for link in self.world.links if link.calls]
        self.world.call_back(data.draw(st.sampled_from(calling)))

    @precondition(lambda self: any(link.calls for link in self.world.links))
    @rule(data=st.data())
    def tango_says_it_twice(self, data: st.DataObject) -> None:
        calling = [link for link in self.world.links if link.calls]
        link = data.draw(st.sampled_from(calling))
        link.calls.insert(0, link.calls[0])

    # --- the pool ---

    @precondition(lambda self: self.attribute.connecting)
    @rule()
    def ask_whether_it_answers(self) -> None:
        self.ask_device()

    @precondition(lambda self: self.attribute.reads)
    @rule()
    def read(self) -> None:
        self.attribute.reads -= 1
        self.world.read()

    @precondition(lambda self: self.attribute.polled)
    @rule()
    def poll(self) -> None:
        self.world.read()

    @precondition(lambda self: self.attribute.look)
    @rule()
    def look(self) -> None:
        self.look_at_it()

    @precondition(lambda self: self.world.readings)
    @rule(data=st.data())
    def what_was_read_arrives(self, data: st.DataObject) -> None:
        """One device is served by one thread, and a caller may read beside it."""
        last = min(2, len(self.world.readings)) - 1
        self.world.deliver(data.draw(st.integers(0, last)))

    def ask_device(self) -> None:
        if self.world.hung:
            self.attribute.happen(Input.UNREACHABLE, HUNG)
            return
        self.attribute.connecting = False
        polled = self.world.mode is None
        said = Input.CONNECTED_POLLED if polled else Input.CONNECTED
        self.attribute.happen(said)

    def look_at_it(self) -> None:
        """By the last look Tango's keep-alive thread has seen to all events."""
        opening = self.attribute.life.state is State.OPENING
        if opening or self.attribute.settling.looks >= len(FIRST_CHECKS) - 1:
            self.events_get_through()
        self.attribute.look = False
        self.world.read(look=True)

    def events_get_through(self) -> None:
        for link in self.world.links:
            link.carries = link.works and not link.lost

    # --- what must hold ---

    @invariant()
    def it_is_polled_exactly_without_a_working_subscription(self) -> None:
        assert self.attribute.polled == (self.attribute.life.state in POLLED_STATES)

    @invariant()
    def nothing_older_is_published_after_something_newer(self) -> None:
        """But by an event after an error: the clock of a server may have gone back.

        And to those who listen anew.
        """
        newest = float("-inf")
        after_error = False
        for one in self.attribute.published:
            assert (
                one.value is None
                or one.stamp >= newest
                or (after_error and not one.was_read)
                or one.is_first
            )
            after_error = one.value is None
            newest = newest if after_error else one.stamp

    @invariant()
    def what_is_cached_was_published(self) -> None:
        known, published = self.attribute.cache.known, self.attribute.published
        if published:
            assert known.value == published[-1].value

    def teardown(self) -> None:
        self.heal()
        self.listen()
        for _ in range(60):
            if not self.go_on():
                break
        else:
            raise AssertionError("it does not come to rest")
        world, attribute = self.world, self.attribute
        assert attribute.cache.known.value == world.truth[0]
        assert attribute.cache.known.error is None
        subscribed = attribute.life.state in (State.SUBSCRIBED, State.UNTRUSTED)
        assert subscribed == (world.mode is not None and world.events)
        assert attribute.polled == (not subscribed)
        self.change_is_seen()
        self.nothing_comes_after_the_end()

    def heal(self) -> None:
        self.world.up, self.world.hung, self.world.mute = True, False, False
        self.world.break_or_mend(fails=False, tells=False)
        if self.world.untold:
            # Nobody looks any more who does not doubt what is cached.
            self.world.push()

    def change_is_seen(self) -> None:
        """The next change of the value arrives: by an event, a poll or a check."""
        self.world.change()
        if self.attribute.polled or self.attribute.checked:
            self.world.read(look=self.attribute.checked)
        while self.go_on():
            pass
        assert self.attribute.cache.known.value == self.world.truth[0]

    def nothing_comes_after_the_end(self) -> None:
        said = len(self.attribute.published)
        self.world.change()
        self.world.read()
        self.attribute.happen(Input.CLOSE)
        while self.go_on():
            pass
        assert len(self.attribute.published) == said
        assert not self.attribute.polled
        assert not self.attribute.connecting

    def go_on(self) -> bool:
        """Let everything happen that is to happen; return whether there was any."""
        return any([step() for step in self.steps()])

    def steps(self) -> Iterator[Any]:
        yield self.all_is_asked
        yield self.tango_does_its_work
        yield self.all_is_called_back
        yield self.all_is_read
        yield self.all_is_polled

    def all_is_asked(self) -> bool:
        if self.attribute.connecting:
            self.ask_device()
            return True
        return False

    def tango_does_its_work(self) -> bool:
        before = [(len(link.calls), link.works) for link in self.world.links]
        for link in list(self.world.links):
            # Events do not arrive at first; for one keep-alive period after a restart.
            self.world.try_link(link, carries=False)
        return before != [(len(link.calls), link.works) for link in self.world.links]

    def all_is_called_back(self) -> bool:
        calling = [link for link in self.world.links if link.calls]
        for link in calling:
            while link.calls:
                self.world.call_back(link)
        return bool(calling)

    def all_is_read(self) -> bool:
        found = bool(self.attribute.reads or self.attribute.look or self.world.readings)
        while self.attribute.reads:
            self.attribute.reads -= 1
            self.world.read()
        if self.attribute.look:
            self.look_at_it()
        while self.world.readings:
            self.world.deliver(0)
        return found

    def all_is_polled(self) -> bool:
        """A poll may find what nothing else would; it happens again and again."""
        attribute = self.attribute
        regularly_read = attribute.polled or attribute.checked
        if regularly_read and attribute.cache.known.value != self.world.truth[0]:
            self.world.read(look=attribute.checked)
            return True
        return False


@pytest.mark.parametrize("mode", [*modes.MODES, None], ids=str)
def test_it_ends_at_the_truth(mode: SubMode | None) -> None:
    machine = type(f"Truth{mode}", (Truth,), {"mode": mode})
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=300, stateful_step_count=40, deadline=None),
    )


@pytest.mark.parametrize("mode", modes.MODES, ids=str)
def test_the_first_event_of_a_new_server_may_look_like_the_last_of_the_old(
    mode: SubMode,
) -> None:
    """The property would have to find six steps in the right order."""
    machine = type(f"Restarted{mode}", (Truth,), {"mode": mode})()
    machine.listen()
    while machine.go_on():
        pass
    machine.events_get_through()
    machine.change()
    machine.start_or_stop(up=False)
    machine.start_or_stop(up=True)
    machine.teardown()


def stop(machine: Truth) -> None:
    """Stop the server; also one that hangs, which then does so no longer."""
    machine.start_or_stop(up=False)
    machine.hang_or_resume(hung=False)


#: What may happen to the server, and is told to whoever is subscribed.
HAPPENINGS = {
    "the value changes": lambda machine: machine.change(),
    "it is stopped": stop,
    "it is started": lambda machine: machine.start_or_stop(up=True),
    "it hangs": lambda machine: machine.hang_or_resume(hung=machine.world.up),
    "it goes on": lambda machine: machine.hang_or_resume(hung=False),
    "its reads fail": lambda machine: machine.break_or_mend(fails=True, tells=True),
    "they do no longer": lambda machine: machine.break_or_mend(fails=False, tells=True),
    "events are switched off": lambda machine: machine.events_on_or_off(events=False),
    "events are switched on": lambda machine: machine.events_on_or_off(events=True),
    "nobody listens": lambda machine: machine.unlisten(),
    "somebody listens": lambda machine: machine.listen(),
}

#: More than anything takes; a server that hangs is asked for ever.
MANY_ROUNDS = 40


def come_to_rest(machine: Truth) -> None:
    for _ in range(MANY_ROUNDS):
        if not machine.go_on():
            break
    if machine.attribute.polled:
        machine.poll()
        machine.go_on()


def shown(machine: Truth) -> tuple[int | None, str]:
    """What is cached, which counts as long as somebody listens."""
    if machine.attribute.life.state is State.IDLE:
        return None, "nobody listens"
    known = machine.attribute.cache.known
    return known.value, type(known.error).__name__


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(HAPPENINGS)), st.booleans())))
def test_all_modes_show_the_same_whenever_they_come_to_rest(
    happenings: list[tuple[str, bool]],
) -> None:
    """Whatever happens, with or without time for an answer in between."""
    machines = {
        str(mode): type(f"Beside{mode}", (Truth,), {"mode": mode})()
        for mode in (*modes.MODES, None)
    }
    for machine in machines.values():
        machine.listen()
    for happening, rests in [*happenings, ("somebody listens", True)]:
        for machine in machines.values():
            HAPPENINGS[happening](machine)
            if rests:
                come_to_rest(machine)
        if rests:
            found = {mode: shown(machine) for mode, machine in machines.items()}
            assert len(set(found.values())) == 1, found


@pytest.mark.parametrize("mode", modes.MODES, ids=str)
def test_who_promises_events_and_sends_none_is_read_regularly(mode: SubMode) -> None:
    machine = type(f"Mute{mode}", (Truth,), {"mode": mode})()
    world, attribute = machine.world, machine.attribute
    world.mute = True
    machine.listen()
    for step in (machine.all_is_asked, machine.tango_does_its_work):
        step()
    machine.all_is_called_back()
    while attribute.reads:
        attribute.reads -= 1
        world.read()
        world.deliver(0)
    world.change()
    machine.all_is_read()
    assert attribute.life.state is State.UNTRUSTED
    assert attribute.checked
    world.change()
    machine.all_is_polled()
    machine.all_is_read()
    assert attribute.told == world.truth[0]
    world.mute = False
    world.change()
    machine.all_is_called_back()
    assert attribute.life.state is State.VERIFYING
    machine.teardown()
