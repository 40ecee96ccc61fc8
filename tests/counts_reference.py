"""Modified Kneser-Ney smoothing from the formulas of Chen and Goodman 1999, with dictionaries, slow."""

from collections import Counter, defaultdict


class Reference:
    """Counts of a text without the tokens of some places; discounts are those of all."""

    def __init__(self, ids, vocab, order, without=(), discounts=None):
        self.vocab, self.order = vocab, order
        self.counts = [None] + [self._count(list(ids), n, set(without)) for n in range(1, order + 1)]
        self.discounts = discounts or [None] + [discounts_of(self.counts[n]) for n in range(1, order + 1)]
        self.rows = [None] + [defaultdict(dict) for _ in range(order)]
        for n in range(1, order + 1):
            for gram, count in self.counts[n].items():
                self.rows[n][gram[:-1]][gram[-1]] = count

    def _count(self, ids, n, without):
        raw, left = Counter(), defaultdict(set)
        for place in range(n - 1, len(ids)):
            if place in without:
                continue
            gram = tuple(ids[place - n + 1 : place + 1])
            raw[gram] += 1
            left[gram].add(ids[place - n] if place >= n else None)  # nothing stands before the beginning
        if n == self.order:
            return raw
        return Counter({gram: len(left[gram]) for gram in raw})

    def probability(self, n, context, token):
        """p_n(token | the last n - 1 tokens of context)."""
        if n == 0:
            return 1 / self.vocab
        lower = self.probability(n - 1, context, token)
        row = self.rows[n].get(tuple(context[len(context) - n + 1 :])) if len(context) >= n - 1 else None
        if not row:
            return lower
        total = sum(row.values())
        taken = sum(self.discounts[n][min(c, 3)] for c in row.values())
        count = row.get(token, 0)
        return (count - self.discounts[n][min(count, 3)]) / total + taken / total * lower


def discounts_of(counts):
    have = Counter(counts.values())
    n1, n2, n3, n4 = (max(1, have[k]) for k in (1, 2, 3, 4))
    y = n1 / (n1 + 2 * n2)
    raw = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
    return [0.0] + [min(max(d, 0.01), k - 0.01) for k, d in enumerate(raw, 1)]


def probabilities(reference, ids, places):
    """[places][orders]: of each token after what stands before it."""
    orders = range(1, reference.order + 1)
    return [[reference.probability(n, tuple(ids[:place]), ids[place]) for n in orders] for place in places]


def left_out(ids, vocab, order, num_blocks):
    """The probabilities of all tokens without the counts of their own block."""
    discounts = Reference(ids, vocab, order).discounts
    size, out = -(-len(ids) // num_blocks), []
    for begin in range(0, len(ids), size):
        places = range(begin, min(begin + size, len(ids)))
        out += probabilities(Reference(ids, vocab, order, places, discounts), ids, places)
    return out
