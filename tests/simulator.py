"""A TCP endpoint that follows RFC 9293, and knows the time of every change of its own state.

It is the judge of the replay, so it shares nothing with it but the names of states and flags: segments carry numbers
modulo 2**32 as on the wire, and each endpoint counts from its own ISS and its peer's IRS. What stacks do differently
within the RFCs is in ``Habits``. Not modelled: congestion control, urgent data, fast open, RFC 6191.

States are dated by the wire: FIN_WAIT_1 and LAST_ACK begin when the FIN leaves, not when the application asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MASK = 0xFFFFFFFF
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MILLI = 1_000_000
SECOND = 1_000_000_000

SYNCHRONIZED = ("ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING", "LAST_ACK", "TIME_WAIT")
RECEIVING = ("ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2")


def near(number, expected):
    """The unwrapped form of a number modulo 2**32 that is closest to ``expected``."""
    return expected + (((number - expected) & MASK) ^ 0x80000000) - 0x80000000


@dataclass(frozen=True)
class Habits:
    """What one stack does. Times in nanoseconds, sizes in octets."""

    iss: int = 1000
    mss: int = 500
    window: int = 20_000
    window_scale: int = -1
    timestamps: bool = True
    clock: int = 5000
    tick: int = MILLI
    sack: bool = True
    dsack: bool = True
    ip_id: str = "running"
    first_ip_id: int = 1
    delayed_ack: int = 40 * MILLI
    smallest_rto: int = 200 * MILLI
    retries: int = 6
    two_msl: int = 60 * SECOND
    fin_wait_2_limit: int = 0
    keep_alive: int = 0
    ack_limit: int = 0
    fin_rides: bool = False
    probe_octet: bool = False
    syn_draws_syn_ack: bool = True
    takes_syn_ack: bool = True
    lax_reset: bool = False
    reset_on_giving_up: bool = False


@dataclass(slots=True)
class Packet:
    """A segment under way, as on the wire."""

    side: int
    seq: int
    ack: int
    flags: int
    length: int
    window: int
    ip_id: int
    emitted: int
    mss: int = -1
    window_scale: int = -1
    sack_permitted: int = 0
    tsval: int = -1
    tsecr: int = -1
    sacks: tuple = ()


@dataclass(slots=True)
class Endpoint:
    """One end of one connection (of several in turn, for a listener)."""

    side: int
    habits: Habits
    world: object
    state: str = "CLOSED"
    history: list = field(default_factory=list)
    listening: bool = False
    mute: bool = False
    # What the next socket of this host starts from.
    sockets: int = 0
    ip_id: int = 0
    timers: dict = field(default_factory=dict)
    # The connection's own record: RFC 9293 3.3.1, numbers relative to iss and irs.
    iss: int = 0
    irs: int = 0
    una: int = 0
    nxt: int = 0
    end: int = 1
    wnd: int = 0
    wl1: int = 0
    wl2: int = 0
    rcv: int = 0
    active: bool = False
    closing: bool = False
    fin_sent: bool = False
    peer_fin: int = -1
    receives: bool = True
    reading: bool = True
    unread: int = 0
    early: list = field(default_factory=list)
    double: tuple = ()
    recent: int = -1
    stamped: int = 0
    offered: bool = False
    selective: bool = False
    shift: int = 0
    peer_shift: int = 0
    peer_mss: int = 536
    rto: int = SECOND
    srtt: int = 0
    variation: int = 0
    timed: tuple = ()
    tries: int = 0
    duplicates: int = 0
    probes: int = 0
    unacked: int = 0
    challenged: int = -SECOND

    # --- what the application asks for (RFC 9293 3.10.1 to 3.10.5) -----------------------------------------------

    def listen(self, _=0):
        self.listening = True
        if self.state == "CLOSED":
            self.fresh()
            self.state = "LISTEN"

    def connect(self, _=0):
        if self.state in ("CLOSED", "LISTEN"):
            self.fresh()
            self.active = True
            self.nxt = 1
            self.emit(SYN, 0)
            self.move("snd SYN", "SYN_SENT")
            self.start_rto()

    def send(self, octets):
        if not self.closing and self.state not in ("CLOSED", "LISTEN"):
            self.end += octets
            self.output()

    def shutdown(self, _=0):
        """shutdown(SHUT_WR): no more to send, still willing to receive."""
        if self.state == "SYN_SENT":
            self.die("close")
        elif self.state not in ("CLOSED", "LISTEN"):
            self.closing = True
            self.output()

    def close(self, _=0):
        """close(): no more to send, and nobody is there to read. Unread octets make it an abort (RFC 2525, 2.17)."""
        if self.unread and self.state in SYNCHRONIZED:
            self.abort()
            return
        self.receives = False
        self.shutdown()
        self.limit_fin_wait_2()

    def abort(self, _=0):
        if self.state in ("SYN_RECEIVED", *RECEIVING, "CLOSE_WAIT"):
            self.emit(RST | ACK, self.nxt)
            self.die("snd RST")
        elif self.state not in ("CLOSED", "LISTEN"):
            self.die("close")

    def pause(self, _=0):
        self.reading = False

    def resume(self, _=0):
        shut = self.room() < self.habits.mss
        self.reading = True
        self.unread = 0
        if shut and self.state in RECEIVING:
            self.acknowledge()

    def forget(self, _=0):
        """The host starts anew: it knows of nothing, and answers with resets."""
        self.listening = False
        if self.state not in ("CLOSED", "LISTEN"):
            self.die("crash")
        self.state = "CLOSED"

    def vanish(self, _=0):
        """The host is cut off: it neither hears nor answers."""
        self.forget()
        self.mute = True

    # --- its own record -----------------------------------------------------------------------------------------

    def fresh(self):
        """A new socket: everything but what belongs to the host."""
        kept = ("side", "habits", "world", "state", "history", "listening", "mute", "sockets", "ip_id")
        new = Endpoint(**{name: getattr(self, name) for name in kept})
        for name in Endpoint.__slots__:
            setattr(self, name, getattr(new, name))
        self.iss = (self.habits.iss + 250_007 * self.sockets) & MASK
        self.sockets += 1

    def move(self, event, state):
        self.history.append((self.world.now, self.state, event, state))
        self.state = state
        self.world.moved(self.side)

    def die(self, event):
        passive = not self.active
        self.timers.clear()
        self.move(event, "LISTEN" if event == "rcv RST" and passive and self.state == "SYN_RECEIVED" else "CLOSED")
        if self.listening:
            self.fresh()
            self.state = "LISTEN"

    def start(self, name, delay, action):
        """A timer; starting it again or dropping it from ``timers`` stops the earlier one."""
        token = self.timers[name] = object()

        def fire():
            if self.timers.get(name) is token:
                del self.timers[name]
                action()

        self.world.after(delay, fire)

    # --- sending ------------------------------------------------------------------------------------------------

    def room(self):
        return max(0, self.habits.window - self.unread)

    def stamp(self):
        return (self.habits.clock + self.world.now // self.habits.tick) & MASK

    def emit(self, flags, seq, length=0):
        p = Packet(self.side, (self.iss + seq) & MASK, 0, flags, length, 0, self.next_ip_id(flags), self.world.now)
        if flags & ACK:
            p.ack = (self.irs + self.rcv) & MASK
            self.stamped = self.rcv
            self.unacked = 0
            self.timers.pop("delayed", None)
        p.window = min(0xFFFF, self.room() if flags & SYN else self.room() >> self.shift)
        if flags & SYN:
            answer = flags & ACK
            p.mss = self.habits.mss
            p.window_scale = self.habits.window_scale if not answer or self.peer_shift >= 0 else -1
            p.sack_permitted = int(self.habits.sack and (not answer or self.selective))
        if self.habits.timestamps and (flags & (SYN | ACK) == SYN or self.offered):
            p.tsval = self.stamp()
            p.tsecr = max(0, self.recent) if flags & ACK else 0
        if self.selective and flags & (SYN | RST | ACK) == ACK:
            blocks = ([self.double] if self.double and self.habits.dsack else []) + self.blocks()
            p.sacks = tuple(tuple((self.irs + edge) & MASK for edge in block) for block in blocks[:3])
        self.double = ()
        self.world.transmit(p)

    def next_ip_id(self, flags):
        """A counter, always 0, or as Linux does: 0 where no full socket sends."""
        if self.habits.ip_id == "none":
            return -1
        bare = flags & RST and not flags & ACK
        small = flags & (SYN | ACK) == SYN | ACK or bare or self.state == "TIME_WAIT"
        if self.habits.ip_id == "zero" or (self.habits.ip_id == "linux" and small):
            return 0
        self.ip_id += 1
        return (self.habits.first_ip_id + self.ip_id) & 0xFFFF

    def blocks(self):
        """SACK blocks, the latest first (RFC 2018, 4)."""
        merged = []
        for left, right in sorted(self.early):
            if merged and left <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(right, merged[-1][1]))
            else:
                merged.append((left, right))
        return merged[::-1]

    def acknowledge(self):
        """A bare acknowledgement: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>."""
        self.emit(ACK, self.nxt)

    def challenge(self):
        """An acknowledgement of what is not acceptable, as often as the stack's limit has it (RFC 5961, 7)."""
        if self.world.now - self.challenged >= self.habits.ack_limit:
            self.challenged = self.world.now
            self.acknowledge()

    def reply_reset(self, p):
        """RFC 9293 3.10.7.1: the reset that a segment draws for which there is no connection."""
        if p.flags & RST:
            return
        r = Packet(self.side, p.ack, 0, RST, 0, 0, self.next_ip_id(RST), self.world.now)
        if not p.flags & ACK:
            size = p.length + (p.flags & SYN > 0) + (p.flags & FIN > 0)
            r.seq, r.ack, r.flags = 0, (p.seq + size) & MASK, RST | ACK
        self.world.transmit(r)

    def output(self):
        """Sends what data and window allow, then the FIN."""
        if self.state == "SYN_RECEIVED" and self.active and self.closing and self.end == 1 and not self.fin_sent:
            self.emit_fin()
        if self.state not in ("ESTABLISHED", "CLOSE_WAIT") or self.una < 1:
            return
        while self.nxt < self.end and self.nxt - self.una < self.wnd:
            size = min(self.end - self.nxt, self.una + self.wnd - self.nxt, self.segment_size())
            last = self.closing and self.habits.fin_rides and self.nxt + size == self.end
            if last:
                self.emit_fin(size)
                break
            self.emit(PSH | ACK, self.nxt, size)
            self.nxt += size
            self.timed = self.timed or (self.nxt, self.world.now)
        if self.closing and not self.fin_sent and self.nxt == self.end and (self.wnd > self.nxt - self.una):
            self.emit_fin()
        if self.nxt > self.una:
            self.start_rto(again=False)
        elif self.wnd == 0 and (self.nxt < self.end or (self.closing and not self.fin_sent)):
            if "persist" not in self.timers:
                self.start("persist", self.rto << min(self.probes, 6), self.probe)

    def emit_fin(self, size=0):
        self.emit(FIN | ACK | (PSH if size else 0), self.nxt, size)
        self.nxt = self.end + 1
        self.fin_sent = True
        self.move("snd FIN", "LAST_ACK" if self.state == "CLOSE_WAIT" else "FIN_WAIT_1")
        self.start_rto(again=False)

    def segment_size(self):
        return max(1, min(self.habits.mss, self.peer_mss))

    def probe(self):
        """A window probe: RFC 9293 3.8.6.1 with an octet, or without one as Linux does."""
        if self.wnd > 0 or self.state not in ("ESTABLISHED", "CLOSE_WAIT"):
            return
        self.probes += 1
        if self.habits.probe_octet and self.nxt < self.end:
            self.emit(ACK, self.nxt, 1)
            self.nxt += 1
            self.start_rto()
        else:
            self.emit(ACK, self.una - 1)
            self.start("persist", self.rto << min(self.probes, 6), self.probe)

    def start_rto(self, again=True):
        if again or "rto" not in self.timers:
            self.start("rto", min(self.rto << self.tries, 60 * SECOND), self.timeout)

    def timeout(self):
        """RFC 6298, 5.4 to 5.6."""
        self.tries += 1
        if self.tries > self.habits.retries:
            if self.habits.reset_on_giving_up and self.state != "SYN_SENT":
                self.emit(RST | ACK, self.nxt)
                self.die("snd RST")
            else:
                self.die("timeout")
            return
        self.retransmit()
        self.start_rto()

    def retransmit(self):
        """The oldest octets that are not acknowledged, cut anew."""
        self.timed = ()
        if self.una == 0:
            self.emit(SYN if self.state == "SYN_SENT" else SYN | ACK, 0)
            return
        stop = min(self.una + self.segment_size(), self.nxt, self.end)
        last = self.fin_sent and stop == self.end
        self.emit(ACK | (FIN if last else 0), self.una, max(0, stop - self.una))

    # --- receiving (RFC 9293 3.10.7) ----------------------------------------------------------------------------

    def receive(self, p):
        if self.mute:
            return
        self.keep_alive_later()
        if self.state == "CLOSED":
            self.reply_reset(p)
        elif self.state == "LISTEN":
            self.in_listen(p)
        elif self.state == "SYN_SENT":
            self.in_syn_sent(p)
        else:
            self.in_any_other(p)

    def in_listen(self, p):
        if p.flags & ACK:
            self.reply_reset(p)
        elif p.flags & SYN and not p.flags & RST:
            self.nxt = 1
            self.take_syn(p)
            self.emit(SYN | ACK, 0)
            self.move("rcv SYN", "SYN_RECEIVED")
            self.start_rto()

    def take_syn(self, p):
        self.irs = p.seq
        self.rcv = 1
        self.offered = self.habits.timestamps and p.tsval >= 0
        self.recent = p.tsval
        self.selective = self.habits.sack and p.sack_permitted > 0
        self.peer_shift = p.window_scale
        if self.habits.window_scale >= 0 and p.window_scale >= 0:
            self.shift = self.habits.window_scale
        else:
            self.peer_shift = -1
        self.peer_mss = p.mss if p.mss > 0 else 536
        self.wnd = p.window

    def in_syn_sent(self, p):
        ack = near(p.ack, self.iss + self.nxt) - self.iss
        good = p.flags & ACK and 0 < ack <= self.nxt
        if p.flags & ACK and not good:
            self.reply_reset(p)
            return
        if p.flags & RST:
            if good:
                self.die("rcv RST")
            return
        if not p.flags & SYN:
            return
        self.take_syn(p)
        if good:
            self.una = ack
            self.measure(p)
            self.stop_rto()
            self.move("rcv SYN,ACK", "ESTABLISHED")
            self.acknowledge()
            self.output()
        else:
            self.move("rcv SYN", "SYN_RECEIVED")
            self.emit(SYN | ACK, 0)
            self.tries = 0
            self.start_rto()

    def in_any_other(self, p):
        seq = near(p.seq, self.irs + self.rcv) - self.irs
        ack = near(p.ack, self.iss + self.una) - self.iss
        stop = seq + p.length + (p.flags & SYN > 0) + (p.flags & FIN > 0)
        if self.opens_by_syn_ack(p, seq, ack):
            self.una = ack
            self.stop_rto()
            self.wnd = p.window
            self.move("rcv ACK of SYN", "ESTABLISHED")
            self.acknowledge()
            self.output()
            return
        if not self.acceptable(p, seq, stop):
            self.refuse(p, seq, stop)
            return
        if p.tsval >= 0 and self.offered and seq <= self.stamped and near(p.tsval, self.recent) >= self.recent:
            self.recent = p.tsval
        if p.flags & RST:
            self.take_reset(p, seq)
        elif p.flags & SYN:
            if self.state == "SYN_RECEIVED" and not self.active:
                self.die("rcv RST")
            else:
                self.challenge()
        elif p.flags & ACK and self.take_ack(p, seq, ack):
            self.take_text(p, seq, stop)

    def opens_by_syn_ack(self, p, seq, ack):
        """RFC 9293 figure 8: in a simultaneous open the peer's SYN,ACK acknowledges our SYN."""
        return (
            self.state == "SYN_RECEIVED" and self.active and self.habits.takes_syn_ack
            and p.flags & (SYN | ACK | RST) == SYN | ACK and seq == 0 and ack == 1
        )  # fmt: skip

    def acceptable(self, p, seq, stop):
        """First check: the sequence number (table 6), and PAWS (RFC 7323, 5.3)."""
        if self.offered and p.tsval >= 0 and not p.flags & RST and near(p.tsval, self.recent) < self.recent:
            return False
        room = self.room()
        if stop == seq:
            return self.rcv <= seq < self.rcv + room or seq == self.rcv
        return room > 0 and (self.rcv <= seq < self.rcv + room or self.rcv <= stop - 1 < self.rcv + room)

    def refuse(self, p, seq, stop):
        if p.flags & RST:
            if self.habits.lax_reset and seq == self.rcv - 1 and self.state in ("CLOSE_WAIT", "LAST_ACK", "CLOSING"):
                self.die("rcv RST")
            return
        if self.state == "SYN_RECEIVED" and p.flags & SYN and self.habits.syn_draws_syn_ack and self.una == 0:
            self.emit(SYN | ACK, 0)
            return
        if seq < self.rcv and stop > seq and p.length:
            self.double = (max(seq, 1), min(stop, self.rcv))
        if self.state == "TIME_WAIT" and p.flags & FIN:
            self.wait_two_msl()
        if p.length or p.flags & (SYN | FIN):
            self.acknowledge() if p.length or p.flags & FIN else self.challenge()
        else:
            self.challenge()

    def take_reset(self, p, seq):
        """Second check: RFC 5961, 3.2."""
        if seq == self.rcv:
            self.die("rcv RST")
        else:
            self.challenge()

    def take_ack(self, p, seq, ack):
        """Fifth check. False if the segment is to be dropped."""
        if self.state == "SYN_RECEIVED":
            if not 0 < ack <= self.nxt:
                self.reply_reset(p)
                return False
            self.move("rcv ACK of SYN", "ESTABLISHED")
            self.wnd, self.wl1, self.wl2 = p.window << max(0, self.peer_shift), seq, ack
        if ack > self.nxt:
            self.challenge()
            return False
        window = p.window << max(0, self.peer_shift)
        if ack > self.una:
            self.duplicates = 0
            self.tries = 0
            self.una = ack
            self.measure(p)
            if self.una == self.nxt:
                self.stop_rto()
            else:
                self.start_rto()
        elif ack == self.una < self.nxt and not p.length and window == self.wnd and not p.flags & FIN:
            self.duplicates += 1
            if self.duplicates == 3:
                self.retransmit()
        if self.wl1 < seq or (self.wl1 == seq and self.wl2 <= ack):
            self.wnd, self.wl1, self.wl2 = window, seq, ack
            if window:
                self.probes = 0
                self.timers.pop("persist", None)
        if self.fin_sent and self.una == self.nxt and not self.fin_acknowledged():
            return False
        self.output()
        return True

    def fin_acknowledged(self):
        """The transitions of an acknowledged FIN. False if the connection is gone."""
        if self.state == "FIN_WAIT_1":
            self.move("rcv ACK of FIN", "FIN_WAIT_2")
            self.limit_fin_wait_2()
        elif self.state == "CLOSING":
            self.move("rcv ACK of FIN", "TIME_WAIT")
            self.wait_two_msl()
        elif self.state == "LAST_ACK":
            self.die("rcv ACK of FIN")
            return False
        return True

    def take_text(self, p, seq, stop):
        """Seventh and eighth check: text and FIN, kept until all before them is there."""
        if self.state not in RECEIVING:
            if stop > seq:
                if self.state == "TIME_WAIT":
                    self.wait_two_msl()
                self.acknowledge()
            return
        data = seq + p.length
        if p.length and data > self.rcv and not self.receives:
            self.reply_reset(p)
            self.die("snd RST")
            return
        if p.flags & FIN:
            self.peer_fin = data
        if stop == seq:
            return
        if p.length and seq < self.rcv:
            self.double = (max(seq, 1), min(data, self.rcv))
        if p.length:
            self.early.append((max(seq, self.rcv), min(data, self.rcv + self.room())))
        before, at_once = self.rcv, len(self.blocks()) > 1 or seq != self.rcv
        for left, right in self.blocks()[::-1]:
            if left <= self.rcv < right:
                self.rcv = right
        self.early = [(a, b) for a, b in self.early if b > self.rcv]
        if not self.reading:
            self.unread += self.rcv - before
        if self.rcv == self.peer_fin:
            self.rcv += 1
            self.take_fin()
            return
        self.unacked += 1
        if at_once or self.early or self.unacked > 1 or not self.habits.delayed_ack:
            self.acknowledge()
        else:
            self.start("delayed", self.habits.delayed_ack, self.acknowledge)

    def take_fin(self):
        after = {"ESTABLISHED": "CLOSE_WAIT", "FIN_WAIT_1": "CLOSING", "FIN_WAIT_2": "TIME_WAIT"}
        self.move("rcv FIN", after[self.state])
        self.acknowledge()
        if self.state == "TIME_WAIT":
            self.wait_two_msl()

    # --- timers -------------------------------------------------------------------------------------------------

    def stop_rto(self):
        self.timers.pop("rto", None)
        self.tries = 0

    def measure(self, p):
        """RFC 6298, 2: the round trip, by timestamps or by one timed segment."""
        if self.offered and p.tsecr:
            sample = ((self.stamp() - p.tsecr) & MASK) * self.habits.tick
        elif self.timed and self.una >= self.timed[0]:
            sample = self.world.now - self.timed[1]
        else:
            return
        self.timed = ()
        if self.srtt:
            self.variation += (abs(sample - self.srtt) - self.variation) // 4
            self.srtt += (sample - self.srtt) // 8
        else:
            self.srtt, self.variation = sample, sample // 2
        self.rto = min(60 * SECOND, max(self.habits.smallest_rto, self.srtt + 4 * self.variation))

    def wait_two_msl(self):
        self.timers.clear()
        self.start("2msl", self.habits.two_msl, lambda: self.die("2MSL"))

    def limit_fin_wait_2(self):
        """What no RFC has and every stack does: FIN_WAIT_2 without an application ends in silence."""
        if self.state == "FIN_WAIT_2" and not self.receives and self.habits.fin_wait_2_limit:
            self.start("fin_wait_2", self.habits.fin_wait_2_limit, self.end_fin_wait_2)

    def end_fin_wait_2(self):
        if self.state == "FIN_WAIT_2":
            self.die("timeout")

    def keep_alive_later(self):
        if self.habits.keep_alive and self.state in ("ESTABLISHED", "CLOSE_WAIT", "SYN_RECEIVED", "SYN_SENT"):
            self.tries = self.tries if self.nxt > self.una else 0
            self.start("keep_alive", self.habits.keep_alive, self.keep_alive)

    def keep_alive(self):
        """RFC 9293 3.8.4: a segment that draws an acknowledgement; after some in vain the connection is dead."""
        if self.state not in ("ESTABLISHED", "CLOSE_WAIT") or self.nxt > self.una:
            return
        self.tries += 1
        if self.tries > 3:
            self.emit(RST | ACK, self.nxt)
            self.die("snd RST")
            return
        self.emit(ACK, self.nxt - 1)
        self.start("keep_alive", self.habits.keep_alive, self.keep_alive)
