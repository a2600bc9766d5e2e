"""Nothing secret of an address is shown, whatever form it has."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detect.sources.addresses import shown

SECRET = "Hunter2Zz"


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("rtsp://10.0.0.7:554/Streaming/Channels/101", "rtsp://10.0.0.7:554/Streaming/Channels/101"),
        ("rtsp://cam/cam/realmonitor?channel=1&subtype=0", "rtsp://cam/cam/realmonitor?channel=1&subtype=0"),
        ("http://[fe80::1]:8080/video.mjpg", "http://[fe80::1]:8080/video.mjpg"),
        ("RTSP://cam/1", "rtsp://cam/1"),
        ("0", "0"),
        ("clips/street.mp4", "clips/street.mp4"),
        ("C:/clips/street.mp4", "C:/clips/street.mp4"),
        ("what?.mp4", "what?.mp4"),
        ("me@home.mp4", "me@home.mp4"),
    ],
)
def test_what_is_harmless_stays(address: str, wanted: str) -> None:
    assert shown(address) == wanted


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        (f"rtsp://admin:{SECRET}@10.0.0.7/1", "rtsp://...@10.0.0.7/1"),
        (f"rtsp://admin:a@{SECRET}@10.0.0.7/1", "rtsp://...@10.0.0.7/1"),
        (f"rtsp://admin:a/{SECRET}@10.0.0.7/1", "rtsp://..."),
        (f"rtsp://admin:12/{SECRET}@10.0.0.7/1", "rtsp://..."),
        (f"rtsp://admin:12?{SECRET}@10.0.0.7/1", "rtsp://..."),
        (f"rtsp://admin:a@b/{SECRET}@10.0.0.7/1", "rtsp://..."),
        (f"rtsp://admin:{SECRET}#@10.0.0.7/1", "rtsp://..."),
        (f"rtsp://admin:{SECRET} x@10.0.0.7/1", "rtsp://...@10.0.0.7/1"),
        (f"rtsp:/admin:{SECRET}@10.0.0.7/1", "rtsp://...@10.0.0.7/1"),
        (f"admin:{SECRET}@10.0.0.7/1", "...@10.0.0.7/1"),
        (f"10.0.0.7/video?user=admin&pwd={SECRET}", "10.0.0.7/video?..."),
        (f"http://cam/video?channel=2&user=admin&pwd={SECRET}", "http://cam/video?channel=2&..."),
        (f"http://cam/video?pwd=a@{SECRET}", "http://..."),
        (f"http://cam/video;pwd={SECRET}", "http://cam/..."),
        (f"http://cam/video#{SECRET}", "http://cam/video"),
        (f"rtsp://cam/user=admin_password={SECRET}_channel=1_stream=0.sdp", "rtsp://cam/..."),
        (f"rtsps://cam:7441/{SECRET}?enableSrtp", "rtsps://cam:7441/...?..."),
        (f"http://tv/live/me/{SECRET}/5.ts", "http://tv/live/.../.../5.ts"),
        (f"rtmp://cam/live pubUser=me pubPasswd={SECRET}", "rtmp://cam/..."),
        (f"srt://cam:9000?passphrase={SECRET}", "srt://cam:9000?..."),
        (f"http://cam/video?channel={SECRET}", "http://cam/video?..."),
    ],
)
def test_what_is_secret_goes(address: str, wanted: str) -> None:
    assert shown(address) == wanted
    assert SECRET not in shown(address)


odd = st.text(st.sampled_from("aZ1@/:?#&=;% \\.-_é\n"), max_size=6)


@given(before=odd, after=odd, user=odd, host=st.sampled_from(["cam", "10.0.0.7", "[::1]"]), path=odd)
def test_a_password_before_the_host_never_shows(before: str, after: str, user: str, host: str, path: str) -> None:
    password = f"{before}{SECRET}{after}"
    assert SECRET not in shown(f"rtsp://{user}:{password}@{host}:554/{path}")
    assert SECRET not in shown(f"rtsp://{user}:{quote(password)}@{host}/{path}")


@given(key=odd, before=odd, after=odd, path=odd)
def test_a_password_in_the_query_never_shows(key: str, before: str, after: str, path: str) -> None:
    assert SECRET not in shown(f"http://cam/{path}?user=a&pwd{key}={before}{SECRET}{after}&channel=1")


@given(st.one_of(st.text(), st.builds("rtsp://{}".format, odd), st.builds("http://a@cam/{}?{}".format, odd, odd)))
def test_any_text_is_taken_and_what_is_hidden_stays_as_it_is(text: str) -> None:
    once = shown(text)
    assert shown(once) == once
