"""Ranges: what a search varies, as AWS writes it, and as a sampler draws it."""

from typing import Annotated, Any, Literal

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_pascal

from gaussian_processes.tuning.places import value_at

Scaling = Literal["Auto", "Linear", "Logarithmic", "ReverseLogarithmic"]
# `Auto` is logarithmic where all values are positive and the largest is at least so many times the smallest.
WIDE = 100.0


class Record(BaseModel):
    """Fields are written as AWS writes them; what a local search has no use for is left alone."""

    model_config = ConfigDict(frozen=True, alias_generator=to_pascal, allow_inf_nan=False)


class CategoricalRange(Record):
    """Values to choose from, as strings."""

    name: str
    values: Annotated[tuple[str, ...], Field(min_length=1)]

    @property
    def size(self) -> int:
        """How many there are."""
        return len(set(self.values))

    def at(self, index: int) -> str:
        """The value at `index`, from 0."""
        return self.values[index]

    @property
    def distribution(self) -> BaseDistribution:
        """From which a sampler draws."""
        return CategoricalDistribution(self.values)

    def text(self, drawn: Any) -> str:
        """What a training job is given for what was drawn."""
        return str(drawn)

    def drawn(self, text: str) -> Any:
        """What was drawn for a training job to be given that; None where it is not of this range."""
        return text if text in self.values else None


class NumericRange(Record):
    """From min_value to max_value, both included, drawn evenly in themselves, their logarithm or that of 1 - x."""

    name: str
    min_value: float
    max_value: float
    scaling_type: Scaling = "Auto"

    @property
    def logarithmic(self) -> bool:
        """Whether it is drawn evenly in the logarithm."""
        if self.scaling_type == "Auto":
            return self.min_value > 0 and self.max_value / self.min_value >= WIDE
        return self.scaling_type == "Logarithmic"


class IntegerRange(NumericRange):
    """Whole numbers."""

    min_value: int
    max_value: int

    @property
    def size(self) -> int:
        """How many there are."""
        return max(self.max_value - self.min_value + 1, 0)

    def at(self, index: int) -> str:
        """The number at `index`, from 0, as the string that a training job is given."""
        return str(self.min_value + index)

    @property
    def distribution(self) -> BaseDistribution:
        """From which a sampler draws."""
        return IntDistribution(self.min_value, self.max_value, log=self.logarithmic)

    def text(self, drawn: Any) -> str:
        """What a training job is given for what was drawn."""
        return str(drawn)

    def drawn(self, text: str) -> Any:
        """What was drawn for a training job to be given that; None where it is not of this range."""
        try:
            number = int(text)
        except ValueError:
            return None
        return number if self.min_value <= number <= self.max_value else None


class ContinuousRange(NumericRange):
    """Real numbers."""

    @property
    def distribution(self) -> BaseDistribution:
        """From which a sampler draws; with ReverseLogarithmic scaling it draws 1 - x."""
        if self.scaling_type == "ReverseLogarithmic":
            return FloatDistribution(1.0 - self.max_value, 1.0 - self.min_value, log=True)
        return FloatDistribution(self.min_value, self.max_value, log=self.logarithmic)

    def text(self, drawn: Any) -> str:
        """What a training job is given for what was drawn."""
        return repr(self._turned(float(drawn)))

    def drawn(self, text: str) -> Any:
        """What was drawn for a training job to be given that; None where it is not of this range."""
        try:
            number = float(text)
        except ValueError:
            return None
        return self._turned(number) if self.min_value <= number <= self.max_value else None

    def at(self, fraction: float) -> str:
        """The number that lies `fraction` of the way along the range."""
        return self.text(value_at(self.distribution, fraction))

    def _turned(self, number: float) -> float:
        if self.scaling_type != "ReverseLogarithmic":
            return number
        return min(max(1.0 - number, 0.0), 1.0)


Range = CategoricalRange | IntegerRange | ContinuousRange


class ParameterRanges(Record):
    """What the search varies."""

    categorical_parameter_ranges: tuple[CategoricalRange, ...] = ()
    integer_parameter_ranges: tuple[IntegerRange, ...] = ()
    continuous_parameter_ranges: tuple[ContinuousRange, ...] = ()
    auto_parameters: tuple[Any, ...] = ()

    @property
    def discrete(self) -> tuple[CategoricalRange | IntegerRange, ...]:
        """The ranges that can be counted."""
        return self.categorical_parameter_ranges + self.integer_parameter_ranges

    @property
    def numeric(self) -> tuple[IntegerRange | ContinuousRange, ...]:
        """Those with a MinValue and a MaxValue."""
        return self.integer_parameter_ranges + self.continuous_parameter_ranges

    @property
    def all(self) -> tuple[Range, ...]:
        """Every range."""
        return (*self.discrete, *self.continuous_parameter_ranges)
