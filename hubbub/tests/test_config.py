"""Where the settings come from."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hubbub.config import (
    DEFAULT,
    PAGE,
    Choice,
    ConfigError,
    Settings,
    default_folder,
    describe,
    load,
    make_page,
    trace,
)


def test_defaults_are_these() -> None:
    """Without any choice, the chat is for this machine alone."""
    settings = load({}, {})

    assert settings == Settings()
    assert (settings.host, settings.port, settings.public_url) == ("127.0.0.1", 8000, None)


def test_nearer_choice_counts(tmp_path: Path) -> None:
    """The command line goes before the environment, and that before the file."""
    file = tmp_path / "hubbub.toml"
    file.write_text('host = "file"\nport = 1\ndata = "file"\n')
    environment = {"HUBBUB_HOST": "environment", "HUBBUB_PORT": "2", "PORT": "3"}

    settings = load({"host": "flag", "port": None}, environment, file)

    assert (settings.host, settings.port, settings.data) == ("flag", 2, "file")


def test_proxies_are_networks() -> None:
    """Those who are trusted are addresses and networks; by default it is nobody."""
    settings = load({}, {"HUBBUB_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8,2001:db8::/32"})

    assert list(map(str, settings.proxies)) == ["127.0.0.1/32", "10.0.0.0/8", "2001:db8::/32"]
    assert Settings().proxies == []


def test_data_folder_is_where_it_belongs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Unless chosen, everything is kept where a user's programs keep their data."""
    monkeypatch.setenv("HOME", str(tmp_path))

    assert default_folder({"XDG_DATA_HOME": "/data"}) == Path("/data/hubbub")
    assert default_folder({"XDG_DATA_HOME": "relative"}) == tmp_path / ".local/share/hubbub"
    assert default_folder({}) == tmp_path / ".local/share/hubbub"
    assert Settings(data="~/x").folder == tmp_path / "x"
    assert Settings(data="x").folder == Path("x")


@pytest.mark.parametrize(
    "flags,environment,said",
    [
        ({"port": 70_000}, {}, "port"),
        ({}, {"HUBBUB_PORT": "many"}, "port"),
        ({}, {"HUBBUB_USER_CONNECTIONS": "0"}, "user_connections"),
        ({}, {"HUBBUB_HELLOS_PER_SECOND": "0"}, "hellos_per_second"),
        ({"public_url": "chat.example"}, {}, "public_url"),
        ({"public_url": "https://chat.example/path"}, {}, "public_url"),
        ({"public_url": "ftp://chat.example"}, {}, "public_url"),
        ({"database": "mysql://db.example/chat"}, {}, "database"),
        ({}, {"HUBBUB_DATABASE": "chat"}, "database"),
        ({}, {"HUBBUB_TRUSTED_PROXIES": "proxy.example"}, "trusted_proxies"),
        ({}, {"HUBBUB_TRUSTED_PROXIES": "10.0.0.1/8"}, "trusted_proxies"),
        ({}, {"HUBBUB_TRUSTED_PROXIES": "*"}, "trusted_proxies"),
    ],
)
def test_senseless_setting_is_told(flags: dict[str, object], environment: dict[str, str], said: str) -> None:
    """A value that makes no sense is told with its name."""
    with pytest.raises(ConfigError, match=f"The setting {said} makes no sense"):
        load(flags, environment)


@pytest.mark.parametrize(
    "content,said",
    [
        ("port = ", "can't be read"),
        ("prot = 1", "There is no setting prot, .* Is it to be port?"),
        ("trusted_proxy = []", "Is it to be trusted_proxies?"),
        ("quux = 1", r"There is no setting quux, which .*\.toml has\.$"),
        ("[server]\nport = 1", "There is no setting server"),
        ('trusted_proxies = ["10.0.0.0/8", "x"]', "trusted_proxies makes no sense"),
    ],
)
def test_senseless_file_is_told(tmp_path: Path, content: str, said: str) -> None:
    """A file that can't be read, or has settings that don't exist, is told so."""
    file = tmp_path / "hubbub.toml"
    file.write_text(content)

    with pytest.raises(ConfigError, match=said):
        load({}, {}, file)


def test_file_may_have_lists(tmp_path: Path) -> None:
    """What is several things may be a list."""
    file = tmp_path / "hubbub.toml"
    file.write_text('trusted_proxies = ["127.0.0.1", "10.0.0.0/8"]')

    assert len(load({}, {}, file).proxies) == 2


def test_choices_are_traced(tmp_path: Path) -> None:
    """Of each setting it can be said where it comes from, and no password is said."""
    file = tmp_path / "hubbub.toml"
    file.write_text('host = "file"\nport = 1\ndatabase = "postgresql://ann:s3cret@db.example/chat"\n')

    traced = trace({"host": "flag", "metrics_port": 9}, {"HUBBUB_PORT": "2", "HUBBUB_DATA": "/data"}, file)

    assert list(traced) == [field.name for field in msgspec.structs.fields(Settings)]
    assert traced["host"] == Choice("flag", "--host")
    assert traced["metrics_port"] == Choice(9, "--metrics-port")
    assert traced["port"] == Choice(2, "HUBBUB_PORT")
    assert traced["data"] == Choice("/data", "HUBBUB_DATA")
    assert traced["database"] == Choice("postgresql://db.example/chat", str(file))
    assert traced["log_level"] == Choice("warning", DEFAULT)
    assert "s3cret" not in str(traced)


def test_page_is_fresh() -> None:
    """The page has every setting as it is: `python -m hubbub.config`."""
    text = Path(__file__).parents[2].joinpath(PAGE).read_text("utf-8")

    assert make_page(text) == text
    assert describe().count("\n") == len(msgspec.structs.fields(Settings)) + 2


def test_missing_file_is_told(tmp_path: Path) -> None:
    """A file that is asked for must be there."""
    with pytest.raises(ConfigError, match="can't be read"):
        load({}, {}, tmp_path / "missing.toml")


@pytest.mark.parametrize(
    "database,place",
    [
        (None, "/data"),
        ("postgresql://ann:s3cret@db.example:5433/chat?password=s3cret", "postgresql://db.example:5433/chat"),
        ("postgres:///chat?host=/run/postgresql", "postgres:///chat"),
    ],
)
def test_place_has_no_password(database: str | None, place: str) -> None:
    """Where everything is kept can be shown to anybody."""
    assert load({"data": "/data", "database": database}, {}).place == place
