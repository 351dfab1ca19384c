"""The files of docs/deploy are what the tools that read them accept; the sizes were measured."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from rag.web.bodies import MAX_UPLOAD_BYTES
from support.deploy import DEPLOY, accepted, tool
from support.places import ROOT


def stated(cell: str) -> float:
    """What a cell of the table of sizes says, in bytes or seconds."""
    number, unit = cell.split()
    units = {"MB": 1e6, "GB": 1e9, "s": 1, "minute": 60, "minutes": 60}
    return float(number) * units[unit]


def test_sizes_are_those_that_were_measured() -> None:
    results = json.loads((ROOT / "eval" / "results" / "speed-scale.json").read_text())
    measured = {row["size"]: row for row in results["rows"] if not row.get("recombined")}
    text = (ROOT / "docs" / "deploying.md").read_text()
    rows = re.findall(r"^\| ([\d,]+) \| (.+) \|$", text, flags=re.MULTILINE)
    assert len(rows) > 1
    for size, cells in rows:
        row = measured[int(size.replace(",", ""))]
        said = [stated(cell) for cell in cells.split(" | ")]
        names = ("disk_bytes", "build_seconds", "build_peak_bytes")
        disk, build, peak = (row[name] for name in names)
        found = [disk, row["memory_asked"]["resident"], build, peak]
        # Rounded up, and a machine that is busier or not.
        for one, other in zip(said, found, strict=True):
            assert other / 1.5 < one < other * 2


def test_systemd_accepts_the_unit_and_finds_it_confined(tmp_path: Path) -> None:
    analyze = tool("systemd-analyze")
    program = tmp_path / "rag"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "rag.service"
    written = (DEPLOY / "rag.service").read_text()
    unit.write_text(written.replace("/opt/rag/bin/rag", str(program)))
    accepted(analyze, "verify", unit)
    # The threshold is in tenths: systemd calls up to 2 "OK", its best but one.
    accepted(analyze, "security", "--offline=true", "--threshold=20", unit)


def test_prometheus_accepts_the_rules_and_the_scrape(tmp_path: Path) -> None:
    promtool = tool("promtool")
    (tmp_path / "rag.key").write_text("rag_key")
    shutil.copy(DEPLOY / "alerts.yml", tmp_path)
    scrape = (DEPLOY / "prometheus.yml").read_text()
    (tmp_path / "prometheus.yml").write_text(
        scrape.replace("/etc/prometheus/rag.key", str(tmp_path / "rag.key"))
    )
    accepted(promtool, "check", "config", tmp_path / "prometheus.yml")


def test_the_proxies_let_through_what_the_service_accepts() -> None:
    for file in (DEPLOY / "nginx.conf", ROOT / "docs" / "how-to" / "behind-a-proxy.md"):
        sizes = re.findall(r"client_max_body_size (\d+)m;", file.read_text())
        assert [int(size) << 20 for size in sizes] == [MAX_UPLOAD_BYTES]


def test_nginx_accepts_the_proxy(tmp_path: Path) -> None:
    nginx, openssl = tool("nginx"), tool("openssl")
    pair = ("-keyout", tmp_path / "privkey.pem", "-out", tmp_path / "fullchain.pem")
    subject = ("-days", "1", "-subj", "/CN=rag.example.com")
    accepted(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", *pair, *subject)
    proxy = (DEPLOY / "nginx.conf").read_text().replace("/etc/ssl/rag", str(tmp_path))
    proxy = proxy.replace("/etc/nginx/rag-proxy.conf", str(DEPLOY / "rag-proxy.conf"))
    # Only the superuser may bind the ports of the file.
    ports = proxy.replace("443 ssl", "44443 ssl").replace("listen 80", "listen 44480")
    (tmp_path / "rag.conf").write_text(ports.replace("[::]:80", "[::]:44480"))
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{ access_log off; include {tmp_path}/rag.conf; }}\n"
    )
    accepted(nginx, "-t", "-c", tmp_path / "nginx.conf")


def test_the_container_file_has_no_known_fault() -> None:
    accepted(tool("hadolint"), DEPLOY / "Containerfile")


def test_the_container_has_what_the_wheel_is_built_from() -> None:
    copied = re.findall(r"^COPY (?!--)(.*) \S+$", (DEPLOY / "Containerfile").read_text(), re.M)
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name


def test_prometheus_understands_every_query_of_the_dashboard(tmp_path: Path) -> None:
    panels = json.loads((DEPLOY / "dashboard.json").read_text())["panels"]
    queries = [each["expr"] for panel in panels for each in panel["targets"]]
    rules = [
        {"record": f"query:{n}", "expr": query.replace("$__rate_interval", "5m")}
        for n, query in enumerate(queries)
    ]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(queries)} rules found" in accepted(tool("promtool"), "check", "rules", file)


def test_panels_do_not_overlap() -> None:
    panels = json.loads((DEPLOY / "dashboard.json").read_text())["panels"]
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in panels):
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        taken |= cells
