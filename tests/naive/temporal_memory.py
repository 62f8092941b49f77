"""The temporal memory written out literally: objects, floats, no index.

Same rules, same draws as ``neuro.htm.TemporalMemory``; every count is made anew by
walking all segments.
"""

import numpy as np

from neuro.random import stream

EPSILON = 1e-5
_MASK = (1 << 64) - 1


class Draws:
    """SplitMix64."""

    def __init__(self, state):
        self.state = state

    def __call__(self, n):
        self.state = (self.state + 0x9E3779B97F4A7C15) & _MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        z ^= z >> 31
        return ((z >> 32) * n) >> 32


class Segment:
    def __init__(self, cell, birth, step):
        self.cell, self.birth, self.last_active = cell, birth, step
        self.synapses = {}  # presynaptic cell -> permanence, oldest first
        self.connected = self.potential = 0


class NaiveTemporalMemory:
    def __init__(self, params, *, seed=1960):
        self.p = params
        draws = stream(seed, "temporal memory")
        self.draw = Draws(int(draws.integers(2**64, size=1, dtype=np.uint64)[0]))
        self.segments = {cell: [] for cell in range(params.n_cells)}
        self.dead = set()
        self.active, self.winners = [], []
        self.active_segments, self.matching_segments = [], []
        self.births = self.step = 0
        self.synop = self.visits = self.plastic = self.grown = 0

    # -------------------------------------------------------------- elementary rules
    def adapt(self, segment, up, down):
        for cell in list(segment.synapses):
            if cell in self.active_set:
                value = segment.synapses[cell] + up
                self.plastic += up != 0
            else:
                value = segment.synapses[cell] - down
                self.plastic += down != 0
            value = min(max(value, 0.0), 1.0)
            if value < EPSILON:
                del segment.synapses[cell]
            else:
                segment.synapses[cell] = value
        if not segment.synapses:
            self.segments[segment.cell].remove(segment)

    def grow(self, segment, n):
        candidates = [c for c in self.winners if c not in segment.synapses]
        n = min(n, len(candidates))
        if n <= 0:
            return
        excess = len(segment.synapses) + n - self.p.max_synapses
        for _ in range(max(excess, 0)):
            weak = [c for c in segment.synapses if c not in self.winners]
            if not weak:
                break
            least = min(segment.synapses[c] for c in weak)
            victim = next(c for c in weak if segment.synapses[c] < least + EPSILON)
            del segment.synapses[victim]
        n = min(n, self.p.max_synapses - len(segment.synapses))
        for k in range(n):
            j = k + self.draw(len(candidates) - k)
            candidates[k], candidates[j] = candidates[j], candidates[k]
            segment.synapses[candidates[k]] = self.p.initial_permanence
            self.grown += 1

    def create(self, cell):
        held = self.segments[cell]
        while len(held) >= self.p.max_segments:
            held.remove(min(held, key=lambda s: (s.last_active, s.birth)))
        segment = Segment(cell, self.births, self.step)
        self.births += 1
        held.append(segment)
        return segment

    def reinforce(self, segment):
        potential = segment.potential
        self.adapt(segment, self.p.permanence_increment, self.p.permanence_decrement)
        if segment.synapses and self.p.new_synapses > potential:
            self.grow(segment, self.p.new_synapses - potential)

    # -------------------------------------------------------------- one record
    def compute(self, columns, learn=True):
        p = self.p
        self.step += 1
        columns = set(columns)
        self.active_set = set(self.active)
        active, winners, bursting = [], [], 0
        involved = columns | {
            s.cell // p.cells_per_column for s in self.matching_segments
        }
        for column in sorted(involved):
            cells = range(
                column * p.cells_per_column, (column + 1) * p.cells_per_column
            )
            matching = [s for s in self.matching_segments if s.cell in cells]
            predicting = [s for s in self.active_segments if s.cell in cells]
            if column not in columns:
                if learn and p.predicted_decrement > 0:
                    for segment in matching:
                        self.adapt(segment, -p.predicted_decrement, 0.0)
                continue
            if predicting:
                for segment in predicting:
                    if segment.cell not in active:
                        active.append(segment.cell)
                        winners.append(segment.cell)
                    if learn:
                        self.reinforce(segment)
                continue
            bursting += 1
            living = [c for c in cells if c not in self.dead]
            active += living
            if matching:
                most = max(s.potential for s in matching)
                segment = next(s for s in matching if s.potential == most)
                winners.append(segment.cell)
                if learn:
                    self.reinforce(segment)
            elif living:
                fewest = min(len(self.segments[c]) for c in living)
                ties = [c for c in living if len(self.segments[c]) == fewest]
                winner = ties[self.draw(len(ties)) if len(ties) > 1 else 0]
                winners.append(winner)
                if learn and self.winners:
                    segment = self.create(winner)
                    self.grow(segment, p.new_synapses)
        self.active, self.winners = active, winners
        self.predict(learn)
        return bursting / len(columns) if columns else 0.0

    def predict(self, learn):
        p, on = self.p, set(self.active)
        self.active_segments, self.matching_segments = [], []
        for cell in sorted(self.segments):
            for s in self.segments[cell]:
                hits = [v for c, v in s.synapses.items() if c in on]
                s.potential = len(hits)
                s.connected = sum(v >= p.connected_permanence - EPSILON for v in hits)
                self.visits += s.potential
                self.synop += s.connected
                if s.potential >= p.matching_threshold:
                    self.matching_segments.append(s)
                if s.connected >= p.activation_threshold:
                    self.active_segments.append(s)
                    if learn:
                        s.last_active = self.step

    def reset(self):
        self.active, self.winners = [], []
        self.active_segments, self.matching_segments = [], []

    def kill(self, cells):
        self.dead |= set(cells)
        for cell in cells:
            self.segments[cell] = []
        self.active = [c for c in self.active if c not in self.dead]
        self.winners = [c for c in self.winners if c not in self.dead]
        self.active_segments = [
            s for s in self.active_segments if s.cell not in self.dead
        ]
        self.matching_segments = [
            s for s in self.matching_segments if s.cell not in self.dead
        ]

    # -------------------------------------------------------------- for comparison
    def content(self):
        """Segments as (cell, ((presynaptic cell, units), ...)) in order of age."""
        return [
            (
                s.cell,
                s.last_active,
                tuple((c, round(v * self.p.levels)) for c, v in s.synapses.items()),
            )
            for cell in sorted(self.segments)
            for s in self.segments[cell]
        ]
