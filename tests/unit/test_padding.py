"""The width of a padded MLP, from the config alone."""

import copy

import pytest

from shopbench.padding import next_multiple, padded_width, padding_arguments

PAPER = {
    "merge": {"pad_intermediate_to": "auto"},
    "quantization": {"methods": {"awq": {"bits": 4, "group_size": 128}, "gptq": {"bits": 4, "group_size": 128}}},
    "inference": {"quantized": {"tensor_parallel": 4}},
}


def changed(pad="auto", gpus=4, groups=(128, 128)):
    config = copy.deepcopy(PAPER)
    config["merge"]["pad_intermediate_to"] = pad
    config["inference"]["quantized"]["tensor_parallel"] = gpus
    for method, size in zip(config["quantization"]["methods"].values(), groups, strict=True):
        method["group_size"] = size
    return config


@pytest.mark.parametrize(
    ("own", "config", "width"),
    [
        (29568, changed(), 29696),  # Qwen2-72B on the challenge's four T4
        (18944, changed(gpus=1), 18944),  # Qwen2-7B on one GPU divides as it is
        (29568, changed(groups=(128, 64)), 29696),
        (29568, changed(groups=(96, 64)), 29952),  # of 4 x 192
        (29568, changed(gpus=8), 29696),
        (29568, changed(gpus=16), 30720),
        (384, changed(pad=512), 512),
        (29568, changed(pad=None), 29568),
    ],
)
def test_every_gpu_gets_whole_groups_of_every_method(own, config, width):
    assert padded_width(own, config) == width
    if config["merge"]["pad_intermediate_to"] == "auto":
        gpus = config["inference"]["quantized"]["tensor_parallel"]
        assert all(width % (gpus * method["group_size"]) == 0 for method in config["quantization"]["methods"].values())


def test_the_merge_is_told_a_multiple_as_it_alone_sees_the_model():
    assert padding_arguments(PAPER) == "--pad-intermediate-multiple 512"
    assert padding_arguments(changed(pad=512)) == "--pad-intermediate-to 512"
    assert padding_arguments(changed(pad=None)) == ""
    assert [next_multiple(own, 512) for own in (1, 512, 513)] == [512, 512, 1024]
