"""The node's settings: one frozen object, read once by `app` or `cli`.

From weakest to strongest: the defaults here, ``HOME/panosc.toml``, the environment
(``PANOSC_…``), the command line.
"""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from typing_extensions import override


def default_home() -> Path:
    """Return where a node of this user lives when nothing else is said."""
    return Path.home() / ".local" / "share" / "panosc"


class Settings(BaseSettings):
    """Everything a site may choose. Each name says its unit."""

    model_config = SettingsConfigDict(
        env_prefix="PANOSC_", frozen=True, extra="forbid", validate_default=True
    )

    home: Path = Field(default_factory=default_home, description="Folder of this node")
    database_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL 17 or newer, `postgresql://…`; without it one is run inside home",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int = Field(default=8000, ge=0, le=65535, description="Port; 0 takes a free one")
    base_url: str | None = Field(
        default=None, description="Public address, when a proxy stands in front"
    )
    facility: str = Field(default="Local node", description="Name of the facility on the pages")
    pid_prefix: str = Field(
        default="local", pattern=r"^[A-Za-z0-9.]+$", description="Before the / of new PIDs"
    )
    time_zone: str = Field(default="UTC", description="Zone of times that a file gives without one")
    probe: str | None = Field(
        default=None,
        description="Probe of a file that names none: x-ray, neutron, muon, electron",
    )
    ingest_workers: int = Field(default=2, ge=1, description="Processes that read files")
    file_time_limit_s: float = Field(
        default=60.0, gt=0, description="Longest that reading one file may take, in seconds"
    )
    file_memory_mb: int = Field(
        default=1024, ge=256, description="Memory of a process that reads files, in MB"
    )
    query_time_limit_s: float = Field(
        default=20.0,
        gt=0,
        description="Longest that one database query may take, in seconds",
    )
    regexp_time_limit_s: float = Field(
        default=1.5, gt=0, description="The same for a query with a regular expression"
    )

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put ``panosc.toml`` of the home below the environment."""
        home = init_settings().get("home") or env_settings().get("home") or default_home()
        toml = TomlConfigSettingsSource(settings_cls, Path(str(home)) / "panosc.toml")
        return init_settings, env_settings, toml
