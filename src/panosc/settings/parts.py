"""Parts of the settings that are tables of their own: providers of logins, storages, doors."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


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
