"""How fast a voice of full size speaks, end to end and stage by stage, beside eager torch.

    python bench/speed.py [--config 2.3|2.4|joe] [--rounds 5] [--precision f32] [--json FILE]

Text to samples, feature model included, on sentences of about 8 s, another one in every round. 2.3
and 2.4 have random weights of the released sizes, and so have their feature models (24 layers, 1024
wide for 2.3; Erlangshen-MegatronBert-1.3B's size for 2.4): speed doesn't depend on the values. joe
is the built-in voice. Eager torch runs the same weights in float32, one sentence in one pass, all
layers of the feature model, with weight norm computed anew in every call, as the released `infer`
does; a second row has it folded. Each runs in a process of its own; they take turns, sentence by
sentence, and medians over the rounds are shown. `--precision auto` lets the decoder compute in
bf16 where the chip does and the voice allows it; torch stays in f32.

`ratio` is eager time by our time. The share is what each stage reaches of the fastest float32
product of two matrices that torch finds on this machine in the same run. Full sizes take 6 GB of
disk for 2.4, 2 GB for 2.3; `--work FOLDER` keeps them for the next time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any

from rich.console import Console
from rich.table import Table

JOE = Path(__file__).parent.parent.parent / "shared" / "voices" / "joe-en"
STAGES = ("read", "features", "encode", "flow", "decode")
CHINESE = (
    "今天早上我在公园里看见一位老人正在教孩子们放风筝，天空很蓝，风也不大。",
    "这家小书店开了二十多年，老板记得每一位常来的客人喜欢看什么样的书。",
    "火车穿过长长的隧道以后，窗外忽然出现了一大片金黄色的油菜花田。",
    "她把旧照片一张一张地摆在桌子上，慢慢讲起了奶奶年轻时候的故事。",
    "晚饭以后，大家坐在院子里喝茶聊天，远处传来几声轻轻的狗叫。",
    "如果明天不下雨，我们就骑自行车去湖边，中午在那里吃自己带的面包。",
    "工程师们花了整整三个月，才找到那台机器总是在夜里停下来的原因。",
    "冬天的第一场雪下得很安静，等人们醒来时，屋顶和街道都已经变白了。",
    "弟弟第一次一个人坐飞机，妈妈在机场叮嘱了他很久才放心离开。",
    "老师说，写文章最要紧的是把话说清楚，漂亮的词语可以以后再学。",
)


def texts(config: str, count: int) -> list[str]:
    """Different texts of about 8 s."""
    if config == "joe":
        from say import texts as english

        return english(count)
    return [CHINESE[number % len(CHINESE)] for number in range(count)]


def prepare(config: str, work: Path) -> dict[str, str]:
    """Make what both sides run; returns its folders."""
    if config == "joe":
        return {"voice": "joe", "checkpoint": str(JOE), "features": "", "family": "2.3"}
    from full_size import BERT, MEGATRON, write_checkpoint, write_features

    from vinovits.convert.features import convert_features
    from vinovits.convert.voice import convert_checkpoint
    from vinovits.nets.variants import VARIANTS

    [need] = [need for need in VARIANTS[config].features if need.language == "zh"]
    (work / "features").mkdir(parents=True, exist_ok=True)
    checkpoint, source = work / f"checkpoint-{config}", work / f"source-{config}"
    voice, features = work / f"voice-{config}", work / "features" / need.model
    if not checkpoint.exists():
        write_checkpoint(config, checkpoint)
    if not source.exists():
        write_features(source, MEGATRON if config == "2.4" else BERT)
    if not features.exists():
        convert_features(source, features)
    if not voice.exists():
        convert_checkpoint(
            checkpoint / "G_0.pth", checkpoint / "config.json", voice, languages=["zh"]
        )
    return {
        "voice": str(voice),
        "checkpoint": str(checkpoint),
        "features": str(source),
        "family": config,
    }


class OpenVINOSide:
    """Our runtime, by its public API."""

    def __init__(self, folders: dict[str, str], precision: Any, cache: Path) -> None:
        import vinovits

        self._voice = vinovits.load(folders["voice"], precision=precision, cache_dir=cache)

    def speak(self, text: str) -> dict[str, Any]:
        began = time.perf_counter()
        audio = self._voice.speak(text, pause=0.0, sdp_ratio=0.0)
        wall = time.perf_counter() - began
        stages = {name: audio.stats.stages[name] for name in STAGES}
        return {"wall": wall, "audio": audio.seconds, "stages": stages}

    def decoder(self, _: str) -> dict[str, Any]:
        return {"precision": self._voice.graphs()["decoder"].precision}


class EagerSide:
    """The same weights in torch, stage by stage as the released code has them."""

    def __init__(self, folders: dict[str, str], normed: Any, cache: Path) -> None:
        import torch
        from eager import load_features, load_network

        import vinovits
        from vinovits.nets.variants import VARIANTS

        torch.set_num_threads(len(os.sched_getaffinity(0)))
        self._family = folders["family"]
        self._network = load_network(Path(folders["checkpoint"]), self._family, normed == "normed")
        self._variant = VARIANTS[self._family]
        # Its tokenizer, and for joe its feature model.
        self._voice = vinovits.load(folders["voice"], cache_dir=cache)
        self._features = load_features(Path(folders["features"])) if folders["features"] else None

    def speak(self, text: str) -> dict[str, Any]:
        import torch

        began = time.perf_counter()
        stages = dict.fromkeys(STAGES, 0.0)
        with torch.inference_mode():
            samples = sum(self._sentence(one, stages) for one in self._read(text, stages))
        return {
            "wall": time.perf_counter() - began,
            "audio": samples / self._voice.manifest.sampling_rate,
            "stages": stages,
        }

    def flops(self, text: str) -> dict[str, Any]:
        """Floating-point operations of each stage for a second of audio, as torch counts them."""
        import torch
        from torch.utils.flop_counter import FlopCounterMode

        counts = {}
        with torch.no_grad():
            sequence = next(iter(self._read(text, dict.fromkeys(STAGES, 0.0))))
            samples = 0
            for name, work in self._stages(sequence):
                with FlopCounterMode(display=False) as counter:
                    samples = work()
                counts[name] = counter.get_total_flops()
        seconds = samples / self._voice.manifest.sampling_rate
        return {name: count / seconds for name, count in counts.items()}

    def peak(self, _: str) -> dict[str, Any]:
        """The most operations a second that a product of matrices reaches."""
        import torch

        best = 0.0
        for size in (512, 1024, 1536, 2048):
            a, b = torch.rand(size, size), torch.rand(size, size)
            for _ in range(8):
                began = time.perf_counter()
                torch.mm(a, b)
                best = max(best, 2 * size**3 / (time.perf_counter() - began))
        return {"flops": best}

    def _read(self, text: str, stages: dict[str, float]) -> list[Any]:
        from vinovits.text.sequence import to_sequence

        began = time.perf_counter()
        sentences = self._voice.read(text)
        sequences = [
            to_sequence(one, self._variant.table, self._voice.stages.pieces) for one in sentences
        ]
        stages["read"] += time.perf_counter() - began
        return sequences

    def _sentence(self, sequence: Any, stages: dict[str, float]) -> int:
        samples = 0
        for name, work in self._stages(sequence):
            began = time.perf_counter()
            samples = work()
            stages[name] += time.perf_counter() - began
        return samples

    def _stages(self, sequence: Any) -> Any:
        """Each stage and its work, to be done in order; the last gives the number of samples."""
        import numpy as np
        import torch

        from vinovits.convert.graphs import condition_shapes
        from vinovits.engine import synthesis
        from vinovits.nets.text_encoder import TextInputs

        shapes = condition_shapes(self._variant)
        network, state = self._network, {}
        defaults = self._voice.manifest.defaults
        g = network.emb_g(torch.tensor([0])).unsqueeze(-1)
        steps = len(sequence.phones)
        rng = np.random.default_rng(0)

        def features() -> None:
            if self._features is None:
                state["rows"] = self._voice.stages.features(sequence)
                return
            state["rows"] = {
                need.name: np.zeros((1, need.width, steps), np.float32)
                for need in self._variant.features
            }
            [need] = [one for one in self._variant.features if one.language == "zh"]
            for stretch in sequence.stretches:
                rows = self._features(list(stretch.pieces))
                state["rows"][need.name] = synthesis.spread_features(
                    rows, stretch.word2ph, need.width
                )

        def encode() -> None:
            words = TextInputs(
                torch.from_numpy(sequence.phones[None]),
                torch.from_numpy(sequence.tones[None]),
                torch.from_numpy(sequence.languages[None]),
                {name: torch.from_numpy(rows) for name, rows in state["rows"].items()},
                {name: torch.zeros(shape) for name, shape in shapes.items()},
            )
            noise = rng.standard_normal((1, 2, steps), np.float32) * np.float32(defaults.noise_w)
            state["encoded"] = network.encode(
                words, torch.ones(1, 1, steps), g, torch.from_numpy(noise)
            )

        def flow() -> None:
            m_p, logs_p, _, logw = (part.numpy() for part in state["encoded"])
            frames = synthesis.frames_per_phone(logw, 1.0)
            prior = rng.standard_normal((1, m_p.shape[1], int(frames.sum())), np.float32)
            z_p = torch.from_numpy(synthesis.expand(m_p, logs_p, frames, prior, defaults.noise))
            state["z"] = network.flow(z_p, torch.ones(1, 1, z_p.shape[2]), g, reverse=True)

        def decode() -> int:
            return int(network.dec(state["z"], g).shape[-1])

        return (("features", features), ("encode", encode), ("flow", flow), ("decode", decode))


class Worker:
    """One of the sides in a process of its own."""

    def __init__(self, side: str, folders: dict[str, str], option: str, work: Path) -> None:
        command = [sys.executable, __file__, "--side", side, json.dumps(folders), option, str(work)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "VINOVITS_FEATURES": str(work / "features")},
        )

    def __call__(self, do: str, text: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([do, text]), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("A side of the comparison failed; its error is above.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def serve(side: Any, requests: IO[str]) -> None:
    for line in requests:
        do, text = json.loads(line)
        print(json.dumps(getattr(side, do)(text)), flush=True)


def measure(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    folders = prepare(options.config, work)
    sides = {
        "ours": Worker("openvino", folders, options.precision, work),
        "eager": Worker("eager", folders, "normed", work),
    }
    if not options.no_folded:
        sides["folded"] = Worker("eager", folders, "folded", work)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
    several = texts(options.config, options.warm_up + options.rounds)
    peaks = []
    for number, text in enumerate(several):
        for name, side in sides.items():
            found = side("speak", text)
            if number >= options.warm_up:
                runs[name].append(found)
        peaks.append(sides["eager"]("peak", "")["flops"])
    flops = sides["eager"]("flops", several[-1])
    decoder = sides["ours"]("decoder", "")["precision"]
    for side in sides.values():
        side.close()
    # Lengths differ a little between the sides, since their noise does: times are per second.
    result: dict[str, Any] = {
        "config": options.config,
        "decoder": decoder,
        "audio_s": statistics.mean(run["audio"] for run in runs["ours"]),
        "peak_flops": max(peaks),
        "gflop_per_second": {name: count / 1e9 for name, count in flops.items()},
    }
    for name, found in runs.items():
        result[name] = {
            "real_time_factor": statistics.median(one["wall"] / one["audio"] for one in found),
            "ms_per_second": {
                stage: 1000 * statistics.median(o["stages"][stage] / o["audio"] for o in found)
                for stage in STAGES
            },
        }
    result["ratio"] = result["eager"]["real_time_factor"] / result["ours"]["real_time_factor"]
    result["stage_ratio"] = {
        stage: result["eager"]["ms_per_second"][stage] / result["ours"]["ms_per_second"][stage]
        for stage in STAGES
    }
    result["share_of_peak"] = {
        stage: flops[stage] / (result["ours"]["ms_per_second"][stage] / 1000) / max(peaks)
        for stage in ("encode", "flow", "decode")
    }
    if "folded" in result:
        folded = result["folded"]["real_time_factor"]
        result["ratio_folded"] = folded / result["ours"]["real_time_factor"]
    return result


def show(result: dict[str, Any]) -> None:
    names = [name for name in ("ours", "eager", "folded") if name in result]
    titles = {"ours": "OpenVINO", "eager": "eager torch", "folded": "eager, weight norm folded"}
    table = Table(
        "ms for a second of audio",
        *(titles[name] for name in names),
        "ratio",
        "GFLOP",
        "share of peak",
        title=f"{result['config']}, {result['audio_s']:.1f} s, decoder {result['decoder']}",
    )
    for stage in STAGES:
        cells = [f"{result[name]['ms_per_second'][stage]:.1f}" for name in names]
        gflop = result["gflop_per_second"].get(stage)
        share = result["share_of_peak"].get(stage)
        table.add_row(
            stage,
            *cells,
            f"{result['stage_ratio'][stage]:.2f}" if stage != "read" else "",
            f"{gflop:.1f}" if gflop else "",
            f"{share:.0%}" if share else "",
        )
    table.add_row(
        "real-time factor, end to end",
        *(f"{result[name]['real_time_factor']:.3f}" for name in names),
        f"{result['ratio']:.2f}",
    )
    console = Console(width=120)
    console.print(table)
    console.print(
        f"Peak of a matrix product in torch: {result['peak_flops'] / 1e9:.0f} GFLOP/s. "
        f"{len(os.sched_getaffinity(0))} CPUs; load before: {os.getloadavg()[1]:.1f}."
    )


def main() -> None:
    if sys.argv[1:2] == ["--side"]:
        name, folders, option, work = sys.argv[2:]
        make = {"openvino": OpenVINOSide, "eager": EagerSide}[name]
        serve(make(json.loads(folders), option, Path(work) / "cache"), sys.stdin)
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", choices=("2.3", "2.4", "joe"), default="2.3")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--precision", choices=("auto", "f32", "bf16"), default="auto")
    parser.add_argument("--no-folded", action="store_true", help="leave the second eager row out")
    parser.add_argument("--work", type=Path, help="keep voices and feature models here")
    parser.add_argument("--json", type=Path, help="write the result here too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        result = measure(options, (options.work or Path(scratch)).absolute())
    show(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
