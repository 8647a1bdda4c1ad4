"""The node's settings: one frozen object, read once by `app` or `cli`.

From weakest to strongest: the defaults here, ``HOME/panosc.toml``, the environment
(``PANOSC_…``), the command line.
"""

from ipaddress import ip_network
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from typing_extensions import override

from panosc.settings.parts import DataDoor, GroupRule, Provider, Storage

__all__ = ["ClientSettings", "DataDoor", "GroupRule", "Provider", "Settings", "Storage"]


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
    workers: int = Field(default=2, ge=1, le=64, description="Web processes that answer requests")
    base_url: str | None = Field(
        default=None, description="Public address, when a proxy stands in front"
    )
    providers: tuple[Provider, ...] = Field(
        default=(), description="OpenID Connect providers to sign in with"
    )
    dev_login: bool = Field(
        default=False,
        description="Run a login provider with made-up people; on loopback only, for trying out",
    )
    dev_login_port: int = Field(
        default=0, ge=0, le=65535, description="Port of that provider; 0 takes a free one"
    )
    secret_file: Path | None = Field(
        default=None,
        description="File with the node's key, to be shared by machines; made inside home without",
    )
    session_hours: float = Field(
        default=12.0, gt=0, description="Longest that a browser stays signed in, in hours"
    )
    terms_version: str = Field(
        default="1", description="Version of the acceptable use policy that people have to accept"
    )
    outbound_hosts: tuple[str, ...] = Field(
        default=(),
        description="Hosts in private networks that this node may call, such as a Keycloak",
    )
    rate_limit: int | None = Field(
        default=None,
        ge=0,
        description="Requests a minute and client; 0 for no limit; 600, but none on loopback, "
        "when not given",
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Networks, such as 10.0.0.0/8, of proxies whose X-Forwarded-For is believed",
    )
    policies: Path | None = Field(
        default=None, description="Folder of policy documents; HOME/policies when not given"
    )
    audit_days: int = Field(
        default=400, ge=30, description="Days that the audit trail and logins are kept"
    )
    contact: str | None = Field(
        default=None, description="Address for people with questions, mailto: or https:"
    )
    security_contact: str | None = Field(
        default=None, description="Address for reports of weaknesses, mailto: or https:"
    )
    facility: str = Field(default="Local node", description="Name of the facility on the pages")
    facility_ror: str | None = Field(
        default=None,
        pattern=r"^(https://ror\.org/)?0[a-z0-9]{6}[0-9]{2}$",
        description="ROR of the facility, `https://ror.org/02550n020`",
    )
    pid_prefix: str = Field(
        default="local", pattern=r"^[A-Za-z0-9.]+$", description="Before the / of new PIDs"
    )
    time_zone: str = Field(default="UTC", description="Zone of times that a file gives without one")
    probe: str | None = Field(
        default=None,
        description="Probe of a file that names none: x-ray, neutron, muon, electron",
    )
    ingest_roots: tuple[Path, ...] = Field(
        default=(),
        description="Folders whose files may be announced, by HTTP or by messages; none without",
    )
    instrument_roots: dict[str, tuple[Path, ...]] = Field(
        default={},
        description="PID of an instrument = folders inside ingest_roots that whoever is in charge "
        "of it may announce files of; stewards may of all",
    )
    stomp_url: SecretStr | None = Field(
        default=None,
        description="Broker with messages of ICAT, `stomp://user:password@host:61613`; stomps: "
        "for TLS",
    )
    stomp_queues: tuple[str, ...] = Field(
        default=("/queue/icatIngest",), description="Its queues to listen to"
    )
    profile: str = Field(
        default="plain", description="Site profile: the name of a shipped one, or a YAML file"
    )
    ingest_workers: int = Field(default=2, ge=1, description="Processes that read files")
    dask_scheduler: str | None = Field(
        default=None,
        pattern=r"^(tcp|tls)://[^\s/]+:[0-9]+$",
        description="Dask scheduler whose workers read files instead, `tls://host:8786`",
    )
    watch_roots: tuple[Path, ...] = Field(
        default=(), description="Folders that `panosc serve` watches for new files"
    )
    watch_every_s: float = Field(
        default=2.0, gt=0, description="How often watched folders are looked at, in seconds"
    )
    metrics_hosts: tuple[str, ...] = Field(
        default=(),
        description="Networks, such as 10.0.0.7/32, that may read /-/metrics without a token",
    )
    file_time_limit_s: float = Field(
        default=60.0, gt=0, description="Longest that reading one file may take, in seconds"
    )
    file_memory_mb: int = Field(
        default=1024, ge=256, description="Memory of a process that reads files, in MB"
    )
    reader_command: tuple[str, ...] = Field(
        default=(),
        description="Command that runs `python -I -m panosc.files.apart` as the account that reads "
        "files of datasets, such as `sudo -n -u ACCOUNT …`; none: the node's own account reads",
    )
    data_readers: int = Field(
        default=2, ge=1, le=64, description="Processes of each web process for short reads"
    )
    data_answer_mb: int = Field(
        default=256, ge=1, le=100_000, description="Most MB of one answer with values of arrays"
    )
    tape: str | None = Field(
        default=None,
        description="Tape system that brings files back: `command`, or the name of a plug-in; "
        "none: nobody can ask for files on tape",
    )
    tape_command: tuple[str, ...] = Field(
        default=(), description="Command of the tape system `command` with its arguments"
    )
    tape_options: dict[str, str] = Field(
        default={}, description="What the plug-in of a tape system wants to be told"
    )
    tape_time_limit_s: float = Field(
        default=60.0, gt=0, description="Longest that one call of the tape system takes, in seconds"
    )
    tape_poll_s: float = Field(
        default=10.0,
        gt=0,
        description="How often the tape system is asked how far it is, in seconds",
    )
    restore_drives: int = Field(
        default=1, ge=1, le=1000, description="Volumes that are mounted at the same time"
    )
    restore_settle_s: float = Field(
        default=60.0,
        ge=0,
        description="A volume is mounted when nobody has asked for more of it for so long, in "
        "seconds",
    )
    restore_patience_s: float = Field(
        default=14400.0,
        gt=0,
        description="How long a mount may bring nothing before it is given up, in seconds",
    )
    restore_days: float = Field(
        default=14.0, gt=0, description="Days that a restored file stays on disk"
    )
    restore_max_files: int = Field(
        default=1000, ge=0, description="Files that a person may ask for from tape in a day"
    )
    restore_max_bytes: int = Field(
        default=10**13, ge=0, description="Bytes that a person may ask for from tape in a day"
    )
    storages: tuple[Storage, ...] = Field(
        default=(), description="Places beyond this machine's disks that files are read from"
    )
    download_max_bytes: int = Field(
        default=500_000_000_000,
        gt=0,
        description="Largest archive that is made of many files, in bytes",
    )
    download_max_files: int = Field(
        default=100_000, gt=0, description="Most files of one archive or list"
    )
    download_check_sha256: bool = Field(
        default=False,
        description="Compare each file of an archive with its registered SHA-256 while it is sent; "
        "halves the speed of what is in memory",
    )
    data_doors: tuple[DataDoor, ...] = Field(
        default=(),
        description="Other ways to the same files: Globus, SFTP, WebDAV, S3, HTTPS",
    )
    datacite_account: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9.]{1,80}$",
        description="Repository account at DataCite, `TIB.NODE`; none: PIDs are local, no DOIs",
    )
    datacite_password: SecretStr | None = Field(default=None, description="Its password")
    datacite_password_file: Path | None = Field(default=None, description="File with its password")
    datacite_url: str = Field(
        default="https://api.test.datacite.org",
        pattern=r"^https?://[^\s?#@]+$",
        description="DataCite's API; the default is for tests, `https://api.datacite.org` is real",
    )
    doi_prefix: str = Field(
        default="10.5072", pattern=r"^10\.[0-9]{4,9}$", description="Its prefix, here that of tests"
    )
    federation_deadline_s: float = Field(
        default=3.0, gt=0, le=60, description="Longest that a search waits for other catalogues"
    )
    federation_max_bytes: int = Field(
        default=4_000_000,
        ge=10_000,
        description="Largest answer to a search that is taken from another catalogue, in bytes",
    )
    query_time_limit_s: float = Field(
        default=20.0,
        gt=0,
        description="Longest that a request, and one database query, may take, in seconds",
    )
    slow_query_s: float = Field(
        default=1.0, gt=0, description="Requests that take longer are logged, in seconds"
    )
    regexp_time_limit_s: float = Field(
        default=1.5, gt=0, description="The same for a query with a regular expression"
    )

    @field_validator("trusted_proxies", "metrics_hosts")
    @classmethod
    def _networks(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ip_network(text)) for text in given)

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


class ClientSettings(BaseSettings):
    """What the command line reads of the environment when it acts at a node elsewhere."""

    model_config = SettingsConfigDict(frozen=True)

    token: SecretStr | None = Field(
        default=None,
        validation_alias="PANOSC_TOKEN",
        description="Token to use, instead of the login that `panosc login` has kept",
    )
    config_home: Path = Field(
        default_factory=lambda: Path.home() / ".config",
        validation_alias="XDG_CONFIG_HOME",
        description="Folder of this user's configuration; logins are in panosc/credentials.json",
    )
