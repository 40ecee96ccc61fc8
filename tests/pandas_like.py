"""What is used of pandas, which is never needed: values by place when gone through, by label in square brackets."""


class Series:
    """What is used of a pandas Series, whose square brackets go by index label and not by place."""

    def __init__(self, values, index=None, name=None, dtype=None):
        self._values, self.name = list(values), name
        self.index = list(range(len(self._values))) if index is None else index
        self.iloc = self._values

    def __iter__(self):
        return iter(self._values)

    def __len__(self):
        return len(self._values)

    def __getitem__(self, label):
        return self._values[self.index.index(label)]


class Frame:
    """What is used of a pandas DataFrame."""

    def __init__(self, columns, index):
        self._columns, self.index, self.columns, self.iloc = columns, index, list(columns), None

    def __getitem__(self, name):
        return Series(self._columns[name], self.index, name)

    def assign(self, **columns):
        return Frame({**self._columns, **columns}, self.index)
