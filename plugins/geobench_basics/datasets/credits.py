"""What a user says of photos of their own: what they are called, and whose they are."""

from typing import ClassVar

from pydantic import Field, field_validator

from geobench import Config, Dataset


class CreditsConfig(Config):
    """What a page says of the photos; it changes no number."""

    unkeyed: ClassVar[frozenset[str]] = frozenset({"title", "licence", "citation"})

    title: str = Field("", description="what pages call the dataset; the plugin's name by default")
    licence: str = Field("", description="of the pictures and places, for the page's credits")
    citation: str = Field("", description="whom to credit, for the page's credits")

    @field_validator("title", "licence", "citation")
    @classmethod
    def _one_line(cls, text: str) -> str:
        return " ".join(text.split())


class CreditedDataset(Dataset):
    """A dataset whose configuration says title, licence and citation."""

    config: CreditsConfig

    @property
    def title(self) -> str:
        return self.config.title

    @property
    def licence(self) -> str:
        return self.config.licence

    @property
    def citation(self) -> str:
        return self.config.citation
