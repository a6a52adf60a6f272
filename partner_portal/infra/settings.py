"""Every setting of the portal, read from the environment once; all that is wrong is named at once, with the remedy.

To add one: a field with a one-line docstring here, and a line in `.env.example` (a test compares them).
"""

from __future__ import annotations

import ast
import hashlib
import hmac
import inspect
import os
import secrets
from contextlib import contextmanager, suppress
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints
from urllib.parse import urlsplit, urlunsplit

import msgspec
from msgspec import Meta

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SHORTEST_SECRET = 32

Network = IPv4Network | IPv6Network

Count = Annotated[int, Meta(ge=1)]
Cents = Annotated[int, Meta(ge=0)]
Days = Annotated[int, Meta(ge=0, le=3650)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Address = Annotated[str, Meta(pattern=r"^([^<>@]+<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$")]
DatabaseUrl = Annotated[str, Meta(pattern=r"^(postgres(ql)?://.+)?$")]
RedisUrl = Annotated[str, Meta(pattern=r"^((redis|rediss|unix)://.+)?$")]
SmtpUrl = Annotated[str, Meta(pattern=r"^(smtp://[^/]+(\?tls=(starttls|implicit|none))?)?$")]
HttpUrl = Annotated[str, Meta(pattern=r"^(https?://[^/\s]+)?$")]
Ports = Annotated[str, Meta(pattern=r"^\s*\d{1,5}(\s*,\s*\d{1,5})*\s*$")]


class Env(StrEnum):
    """What this portal is for: production checks more, demo and test make up what is missing."""

    DEMO = "demo"
    TEST = "test"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    """How log lines look; `auto` is JSON in production and text elsewhere."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


class GatewayName(StrEnum):
    """Who takes payments online."""

    AUTO = "auto"
    NONE = "none"
    SANDBOX = "sandbox"
    MOLLIE = "mollie"


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename=str.upper):
    """All settings, each checked; the environment variable of a field is its name in capitals unless it says otherwise."""

    env: Env = msgspec.field(default=Env.DEMO, name="PORTAL_ENV")
    """What this portal is for: demo, test or production."""
    data: Path = Path("var")
    """The folder of the embedded servers and of what a demo makes up."""

    database_url: DatabaseUrl = ""
    """PostgreSQL as the owner of the tables (migrations only); empty: an embedded server."""
    database_app_url: DatabaseUrl = ""
    """PostgreSQL as the role of requests; empty: portal_app on the same server, its password derived from SECRET_KEY."""
    database_staff_url: DatabaseUrl = ""
    """PostgreSQL as the role of staff and jobs; empty: portal_staff on the same server, its password derived from SECRET_KEY."""
    pool_size: Count = 8
    """The most connections one process opens for each of these two roles."""
    redis_url: RedisUrl = ""
    """Redis or Valkey (redis://, rediss:// or unix://), for sessions and jobs; empty: an embedded server."""

    host: str = msgspec.field(default="127.0.0.1", name="LISTEN")
    """The address the web process listens on."""
    port: Port = 8000
    """The port the web process listens on; 0 takes a free one."""
    base_url: HttpUrl = ""
    """The portal's public address, as it stands in links of mails; empty: where the web process listens."""
    trusted_proxies: str = "127.0.0.1"
    """The addresses, with commas between, of the proxies whose word about the caller's address is believed."""
    secret_key: str = ""
    """Signs links and derives database passwords: at least 32 random characters; empty outside production: made once in DATA."""

    smtp_url: SmtpUrl = ""
    """The mail server: smtp://user:password@host:port?tls=starttls (or implicit, or none)."""
    mailcatcher_url: HttpUrl = ""
    """The page of the demo's mail catcher, where every mail can be read; empty: there is none."""
    mail_from: Address = "Partner portal <portal@example.com>"
    """The sender of every mail."""
    finance_email: Address = "finance@example.com"
    """Who is told of a buyout that waits for a decision."""
    provider_name: Annotated[str, Meta(min_length=1)] = "Voorbeeld Hosting B.V."
    """The provider's name in mails and letters."""

    session_idle_minutes: Count = 120
    """A session ends after this time without a request."""
    session_hours: Count = 12
    """A session ends after this time whatever happens."""
    requests_per_minute: Count = 600
    """The most requests of one member, key or unknown address in a minute."""
    sign_in_attempts: Count = 10
    """The most failed attempts to sign in, per account and per address, in a quarter of an hour."""

    notices_per_hour: Count = 20
    """The most notices that one address gives on public pages in an hour."""
    receipts_per_day: Count = 5
    """The most confirmations of notices that one e-mail address gets in a day; further notices are kept all the same."""

    quote_valid_days: Count = 14
    """How long a quote can be filed."""
    approval_valid_days: Count = 14
    """How long a customer's link works."""
    approval_reminder_days: Count = 5
    """After how many days without an answer the customer is reminded, once."""
    proposal_valid_days: Count = 14
    """How long a buyout proposal can be accepted."""
    withdrawal_free_days: Days = 3
    """Until how many days before the end a termination is withdrawn without finance's consent."""
    four_eyes_limit_cents: Cents = 250_000
    """From this buyout on (in cents) a second person of finance must agree."""
    code_limit_cents: Cents = 100_000
    """From this amount on (in cents) a customer also types a code sent through a second channel."""

    gateway: GatewayName = GatewayName.AUTO
    """Where invoices are paid online: mollie, sandbox (the built-in one, where nobody pays), none, or auto (none in production, else sandbox)."""
    mollie_api_key: str = ""
    """The API key of the profile at Mollie (live_... or test_...), for GATEWAY=mollie."""
    mollie_access_token: str = ""
    """An access token of the organisation at Mollie that may read settlements; without one, payouts are not fetched."""
    mollie_api_url: Annotated[str, Meta(pattern=r"^https?://[^\s]+[^/\s]$")] = "https://api.mollie.com/v2"
    """Where Mollie's API is; another address is for tests only."""
    gateway_seconds: Count = 10
    """How long the gateway may take for an answer."""
    vies_url: Annotated[str, Meta(pattern=r"^(auto|none|https?://[^\s]+[^/\s])$")] = "auto"
    """Where VAT numbers of the EU are checked: auto (VIES itself in production, else nowhere), none, or the address of its REST API."""

    accounting_folder: str = ""
    """The folder in which connections to accounting exchange files and find their secrets; empty: accounting in DATA."""
    accounting_seconds: Count = 10
    """How long an accounting package may take for an answer."""

    webhook_seconds: Count = 10
    """How long the receiver of a webhook may take for its whole answer."""
    webhook_off_days: Count = 5
    """After so many days of nothing but failures a webhook endpoint is switched off, and its owners are told by mail."""
    webhook_log_days: Count = 30
    """For so many days deliveries of webhooks can be seen and sent again."""
    outgoing_ports: Ports = "443,8443"
    """The ports, with commas between, on which webhooks are sent to public addresses."""
    outgoing_networks: str = ""
    """Private networks (such as 10.1.0.0/16, with commas between) that webhooks may reach all the same, on any port; empty: none."""

    worker_jobs: Count = 6
    """How many jobs one worker does at a time; fewer than POOL_SIZE, for each holds a connection."""
    job_lease_seconds: Count = 60
    """After this time a job whose worker died is given to another; no job may take longer."""
    daily_every_seconds: Count = 900
    """How often a worker asks the database what time has made due: reminders, expiry, services that end."""
    log_format: LogFormat = LogFormat.AUTO
    """How log lines look: json, text, or auto (json in production)."""

    def __repr__(self) -> str:
        """Says nothing secret: half of the fields are."""
        return f"Settings({self.env.value})"

    @property
    def in_production(self) -> bool:
        """Whether real people depend on it."""
        return self.env is Env.PRODUCTION

    @property
    def pays_online_by(self) -> GatewayName:
        """The gateway, decided: never `auto`."""
        if self.gateway is not GatewayName.AUTO:
            return self.gateway
        return GatewayName.NONE if self.in_production else GatewayName.SANDBOX

    @property
    def vies(self) -> str:
        """Where VAT numbers are checked, without a slash at the end; empty: nowhere."""
        if self.vies_url != "auto":
            return "" if self.vies_url == "none" else self.vies_url
        return "https://ec.europa.eu/taxation_customs/vies/rest-api" if self.in_production else ""

    @property
    def accounting(self) -> Path:
        """The folder of the connections to accounting."""
        return Path(self.accounting_folder).expanduser() if self.accounting_folder else self.data / "accounting"

    @property
    def public_url(self) -> str:
        """The portal's address as others see it, without a slash at the end."""
        return self.base_url or f"http://{self.host}:{self.port}"

    @property
    def app_dsn(self) -> str:
        """Where requests reach the database."""
        return self.database_app_url or self._as_role("portal_app")

    @property
    def staff_dsn(self) -> str:
        """Where staff and jobs reach the database."""
        return self.database_staff_url or self._as_role("portal_staff")

    @property
    def outgoing_open_ports(self) -> frozenset[int]:
        """The ports of OUTGOING_PORTS."""
        return _ports(self.outgoing_ports)

    @property
    def outgoing_allowed(self) -> tuple[Network, ...]:
        """The networks of OUTGOING_NETWORKS."""
        return _networks(self.outgoing_networks)

    def role_password(self, role: str) -> str:
        """The password of a database role, the same wherever SECRET_KEY is the same."""
        return hmac.new(self.secret_key.encode(), f"database role {role}".encode(), hashlib.sha256).hexdigest()

    def _as_role(self, role: str) -> str:
        owner = urlsplit(self.database_url)
        place = owner.netloc.rpartition("@")[2]
        return urlunsplit(owner._replace(netloc=f"{role}:{self.role_password(role)}@{place}"))


class SettingsProblem(Exception):
    """The environment cannot be right; `problems` names every fault with its remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(environ: Mapping[str, str] | None = None, *, unless_said: Mapping[str, str] | None = None) -> Settings:
    """The settings as `environ` (the process' own by default) tells them; SettingsProblem names all that is wrong.

    `unless_said` holds what a variable is taken for that is missing or empty.
    """
    given = dict(unless_said or {}) | {name: value for name, value in (os.environ if environ is None else environ).items() if value}
    types = get_type_hints(Settings, include_extras=True)
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for field in msgspec.structs.fields(Settings):
        if field.encode_name not in given:
            continue
        try:
            values[field.name] = msgspec.convert(given[field.encode_name], types[field.name], strict=False, dec_hook=_path)
        except msgspec.ValidationError as error:
            problems[field.encode_name] = f"{_fault(error)}. {descriptions()[field.encode_name]}"
    settings = Settings(**values)
    problems = dict(_contradictions(settings, given)) | problems
    if problems:
        raise SettingsProblem([f"{name}: {fault}" for name, fault in problems.items()])
    return settings if settings.secret_key else msgspec.structs.replace(settings, secret_key=_own_secret(settings.data))


def environ(settings: Settings) -> dict[str, str]:
    """The environment in which another process of ours loads these very settings."""
    ours = {field.encode_name: str(getattr(settings, field.name)) for field in msgspec.structs.fields(Settings)}
    return dict(os.environ) | ours


def descriptions() -> dict[str, str]:
    """What each environment variable means: the fields' docstrings."""
    names = {field.name: field.encode_name for field in msgspec.structs.fields(Settings)}
    found = {}
    for node in ast.walk(ast.parse(inspect.getsource(Settings))):
        for field, words in pairwise(node.body if isinstance(node, ast.ClassDef) else ()):
            match field, words:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(meaning))):
                    found[names[name]] = meaning
    return found


def current() -> Settings:
    """The settings of this process, read at the first call."""
    if _Current.value is None:
        _Current.value = load()
    return _Current.value


def adopt(settings: Settings) -> Settings:
    """From here on `current()` returns `settings`."""
    _Current.value = settings
    return settings


@contextmanager
def use(settings: Settings | None = None, **changes: Any) -> Iterator[Settings]:
    """Inside the block `current()` is `settings` (else what it was) with `changes`; for tests."""
    before = _Current.value
    try:
        yield adopt(msgspec.structs.replace(settings or current(), **changes))
    finally:
        _Current.value = before


class _Current:
    value: Settings | None = None


@lru_cache(maxsize=8)
def _ports(written: str) -> frozenset[int]:
    return frozenset(int(port) for port in written.split(","))


@lru_cache(maxsize=8)
def _networks(written: str) -> tuple[Network, ...]:
    return tuple(ip_network(network.strip()) for network in written.split(",") if network.strip())


def _path(wanted: type, value: Any) -> Any:
    if wanted is Path:
        return Path(value).expanduser()
    raise NotImplementedError(wanted)


def _fault(error: msgspec.ValidationError) -> str:
    """What is wrong, without the value: it may be secret."""
    said = str(error)
    return "does not look right" if "regex" in said or "enum" in said else said.replace("Expected", "must be").replace("`", "")


def _contradictions(settings: Settings, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What is wrong although each value on its own could be right."""
    if settings.database_url and "PORTAL_ENV" not in given:
        yield "PORTAL_ENV", "say demo, test or production where DATABASE_URL is set: production checks more."
    if settings.secret_key and len(settings.secret_key) < SHORTEST_SECRET:
        yield "SECRET_KEY", f"has {len(settings.secret_key)} characters, at least {SHORTEST_SECRET} are needed: {_HOW_TO_MAKE_ONE}"
    if settings.session_idle_minutes > settings.session_hours * 60:
        yield "SESSION_IDLE_MINUTES", "is longer than SESSION_HOURS; a session cannot idle past its end."
    try:
        _networks(settings.outgoing_networks)
    except ValueError:
        yield "OUTGOING_NETWORKS", "does not look right: write networks as 10.1.0.0/16 or fd00:1::/32, with commas between."
    if settings.approval_reminder_days >= settings.approval_valid_days:
        yield "APPROVAL_REMINDER_DAYS", "must be less than APPROVAL_VALID_DAYS; a reminder after the end helps nobody."
    if settings.gateway is GatewayName.MOLLIE and not settings.mollie_api_key:
        yield "MOLLIE_API_KEY", "is needed where GATEWAY is mollie."
    if settings.in_production:
        yield from _missing_in_production(settings)


def _missing_in_production(settings: Settings) -> Iterator[tuple[str, str]]:
    meanings = descriptions()
    for name in ("database_url", "redis_url", "smtp_url", "base_url"):
        if not getattr(settings, name):
            yield name.upper(), f"is needed in production. {meanings[name.upper()]}"
    if not settings.secret_key:
        yield "SECRET_KEY", f"is needed in production: {_HOW_TO_MAKE_ONE}"
    if settings.gateway is GatewayName.SANDBOX:
        yield "GATEWAY", "cannot be sandbox in production: with it anybody says that an invoice is paid."
    if settings.base_url.startswith("http://") and urlsplit(settings.base_url).hostname not in {"localhost", "127.0.0.1"}:
        yield "BASE_URL", "must begin with https:// in production: links in mails carry secrets."


_HOW_TO_MAKE_ONE = "make one with `python3 -c 'import secrets; print(secrets.token_urlsafe(48))'`."


def _own_secret(data: Path) -> str:
    """The secret of this data folder, made at the first call, readable by its owner only."""
    file = data / "secret_key"
    with suppress(FileExistsError):
        data.mkdir(parents=True, exist_ok=True)
        new = data / f"secret_key.{os.getpid()}"
        new.touch(mode=0o600)
        new.write_text(secrets.token_urlsafe(48))
        try:
            file.hardlink_to(new)  # of two that start at once, one makes it
        finally:
            new.unlink()
    return file.read_text()
