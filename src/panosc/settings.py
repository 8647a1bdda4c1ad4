"""The node's settings: one frozen object, read once by `app` or `cli`.

From weakest to strongest: the defaults here, ``HOME/panosc.toml``, the environment
(``PANOSC_…``), the command line.
"""

from ipaddress import ip_network
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
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


class GroupRule(BaseModel):
    """What an entitlement of a login provider makes of a person at this node."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entitlement: str = Field(description="Group URN (AARC-G069 or older) that a person must have")
    group: str = Field(description="Group of this node; `node` for roles in the whole node")
    role: str = Field(
        default="team",
        description="pi, team, local_contact, instrument_scientist, guest; steward, director, "
        "administrator",
    )


class Provider(BaseModel):
    """One OpenID Connect provider that people may sign in with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9-]{1,40}$", description="Short name, part of the address")
    title: str = Field(description="What the sign-in page calls it")
    issuer: str = Field(description="Issuer; discovery is at /.well-known/openid-configuration")
    client_id: str = Field(description="Name under which this node is registered there")
    client_secret: SecretStr | None = Field(default=None, description="Its secret; none: public")
    client_secret_file: Path | None = Field(default=None, description="File that holds the secret")
    scopes: tuple[str, ...] = Field(
        default=("openid", "profile", "email"), description="Scopes to ask for"
    )
    audience: str | None = Field(
        default=None,
        description="Accept its RFC 9068 access tokens that are for this audience; none otherwise",
    )
    person_claims: dict[str, str] = Field(
        default_factory=dict,
        description="Claims that tell who a person is to the user office: claim = kind of name. "
        "Only for a provider that is trusted to have checked them",
    )
    group_claims: tuple[str, ...] = Field(
        default=("eduperson_entitlement", "entitlements"),
        description="Claims that hold group URNs",
    )
    groups: tuple[GroupRule, ...] = Field(default=(), description="What group URNs mean here")
    user_class: str = Field(default="open-data", description="Class of whoever signs in first here")


class Storage(BaseModel):
    """One place beyond this machine's disks in which files of datasets lie."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9-]{1,40}$", description="Short name, for messages")
    url: str = Field(
        pattern=r"^(s3|https?|webdav\+https?|davs?|file)://[^\s?#@]*/$",
        description="Everything below it may be read: `s3://bucket/`, `https://host/path/`, "
        "`webdav+https://host/path/`, `file:///path/`; it ends with a slash",
    )
    endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/?#@]+/?$",
        description="S3: the server, `https://s3.facility.eu`; that of Amazon without",
    )
    region: str | None = Field(default=None, description="S3: its region")
    addressing: Literal["auto", "path", "virtual"] = Field(
        default="auto", description="S3: where the bucket's name goes: `path` or `virtual` (host)"
    )
    key: SecretStr | None = Field(default=None, description="Access key, or name of the account")
    secret: SecretStr | None = Field(
        default=None, description="Secret key or password; a bearer token where there is no `key`"
    )
    secret_file: Path | None = Field(default=None, description="File that holds the secret")
    private: bool = Field(
        default=False,
        description="Its host may be in a private network or this machine, and be called "
        "without TLS",
    )
    redirect_hosts: tuple[str, ...] = Field(
        default=(),
        description="Hosts that it may send readers on to, such as the pools of a dCache; "
        "a leading dot stands for any name below",
    )
    ca_file: Path | None = Field(
        default=None, description="Certificates to trust, where its own are not the usual ones"
    )
    use_etag: bool = Field(
        default=True,
        description="Take another ETag for another content; off where servers of one storage "
        "disagree on them",
    )
    time_limit_s: float = Field(
        default=20.0, gt=0, le=600, description="Longest that reading one piece may take"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        scheme, _, rest = self.url.partition("://")
        plain = scheme in {"http", "webdav+http", "dav"} or str(self.endpoint).startswith("http:")
        if plain and not self.private:
            raise ValueError("a storage without TLS has to be `private`")
        if not rest.partition("/")[0] and scheme != "file":
            raise ValueError("the address names no host or bucket")
        if self.secret is not None and self.secret_file is not None:
            raise ValueError("`secret` and `secret_file` are two ways to say one thing")
        return self


class DataDoor(BaseModel):
    """Another way to the files of this node that the facility runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["globus", "sftp", "webdav", "s3", "https"] = Field(description="What it is")
    title: str = Field(description="What pages call it")
    root: Path = Field(description="Folder of this machine whose files are behind it")
    address: str = Field(
        min_length=1, description="Its address before the path; of Globus the collection's id"
    )
    path: str = Field(default="/", description="What that folder is called there")


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
