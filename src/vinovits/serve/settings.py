"""Settings of the server: from the command line, the environment, and a YAML file."""

from __future__ import annotations

import ipaddress
import logging
import os
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from vinovits.errors import UsageError
from vinovits.serve.upstream_config import UpstreamConfig, is_upstream, read_upstream, told

_log = logging.getLogger(__name__)

_LISTS = ("voices", "allowed_hosts", "allowed_origins")


class ServeSettings(BaseSettings):
    """How to serve. Each has an environment variable too: VINOVITS_PORT for `port`."""

    model_config = SettingsConfigDict(env_prefix="VINOVITS_", extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    """The address to listen at."""
    port: int = Field(8000, ge=0, le=65535)
    """0 takes any that is free."""
    voices: Annotated[tuple[Path, ...], NoDecode] = ()
    """Folders of voices, searched before the usual ones; in the environment as in PATH."""
    voice: str = "joe"
    """Name of the voice that is loaded at the start, and speaks where a request names none."""
    device: str = "cpu"
    """Where voices run, as `vinovits.load` takes it."""
    api_key_file: Path | None = None
    """Hashes of the keys that requests need; None: everybody may ask."""
    insecure: bool = False
    """Listen at an address that others reach, without keys."""
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Names by which the server is reached, beside addresses and localhost."""
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Web pages of other servers whose scripts may ask, as "https://example.org"."""
    voice_idle: float | None = Field(None, gt=0, le=31_536_000, allow_inf_nan=False)
    """Seconds without use after which a voice gives its memory back; None: never."""
    workers: int = Field(2, ge=1, le=64)
    """Texts that are spoken at once."""
    max_queue: int = Field(16, ge=0, le=10_000)
    """Requests that may wait for a worker."""
    deadline: float = Field(120.0, gt=0, le=86_400, allow_inf_nan=False)
    """Seconds from a request to the last of its sound, waiting included."""
    max_text: int = Field(4096, ge=1, le=1_000_000)
    """Characters of a text."""
    max_body: int = Field(1 << 20, ge=1024, le=1 << 30)
    """Bytes of a request."""
    max_upload: int = Field(64 << 20, ge=1024, le=8 << 30)
    """Bytes of a file: a book, or what is given to the page."""
    jobs: Path | None = None
    """Folder where long texts are kept that are spoken in the background; None: `jobs` in the
    user's data folder."""
    job_workers: int = Field(1, ge=1, le=64)
    """Parts of long texts that are spoken at once."""
    max_jobs: int = Field(200, ge=0, le=100_000)
    """Jobs that are kept, those that are ended too."""
    max_key_jobs: int = Field(20, ge=0, le=100_000)
    """The same, for each API key."""
    max_job_text: int = Field(500_000, ge=1, le=1_000_000)
    """Characters of the text of a job."""
    job_days: float = Field(7.0, gt=0, le=3650, allow_inf_nan=False)
    """Days for which jobs are kept that are ended."""
    socket_idle: float = Field(60.0, gt=0, le=86_400, allow_inf_nan=False)
    """Seconds for which a WebSocket may be silent."""
    change_lexicon: bool = True
    """Let requests change the lexicons that voices read by."""
    train_dir: Path | None = None
    """Folder in which the page may prepare recordings and train voices; None: it may not."""
    page: bool = True
    """Show browsers a page."""
    log_json: bool = False
    """Log a JSON object a line."""

    @field_validator(*_LISTS, mode="before")
    @classmethod
    def _parted(cls, value: Any) -> Any:
        return value.split(os.pathsep) if isinstance(value, str) else value

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(value.rstrip("/").lower() for value in values)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The command line goes before the environment, and that before the file."""
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls)

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the address."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def read_settings(options: dict[str, Any], config: Path | None = None) -> ServeSettings:
    """The settings that count.

    Args:
        options: Of the command line, those that were given.
        config: A YAML file.

    Raises:
        UsageError: The file can't be read, a setting is unknown or can't be right, or others would
            reach the server without a key.
    """
    if config is not None and not config.is_file():
        raise UsageError(f"There is no file {config}.")
    upstream = None if config is None else _upstream(config)

    class WithFile(ServeSettings):
        model_config = SettingsConfigDict(yaml_file=None if upstream else config)

        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *sources: Any, **named: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            usual = super().settings_customise_sources(settings_cls, *sources, **named)
            if upstream is None:
                return usual
            return *usual, InitSettingsSource(settings_cls, init_kwargs=upstream.settings)

    try:
        settings = WithFile(**options)
    except ValidationError as error:
        raise UsageError("\n".join(_sentence(one) for one in error.errors())) from None
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        what = " ".join(str(error).split())
        raise UsageError(f"{config} isn't a YAML file of settings: {what}") from None
    if not settings.is_local and settings.api_key_file is None and not settings.insecure:
        raise UsageError(
            f"At {settings.host}, everybody who reaches this machine could use the server. Make a "
            "key with `vinovits serve-key NAME --file keys.txt` and add --api-key-file keys.txt; "
            "or add --insecure if that is what you want."
        )
    return settings


def _upstream(config: Path) -> UpstreamConfig | None:
    """What a file of upstream's means; None: it is none."""
    try:
        content = yaml.safe_load(config.read_bytes())
    except (OSError, ValueError, yaml.YAMLError):
        return None  # who reads it as ours says what is wrong
    if not is_upstream(content):
        return None
    found = read_upstream(content, config)
    for note in (told(found, config), *found.notes):
        _log.warning("%s", note)
    return found


def _sentence(error: Any) -> str:
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"There is no setting {name!r}. There are: {', '.join(ServeSettings.model_fields)}."
    return f"The setting {name} can't be {error['input']!r:.60}: {error['msg'].lower()}."
