"""What sentence-transformers makes of folders around the tiny BERT of golden/bert: OUT/cases.json, OUT/expected.safetensors, OUT/*.safetensors.

    python sentence.py ../../resources/golden        (sentence-transformers 6.0, transformers 5.18)
"""
import json
import pathlib
import shutil
import sys
import tempfile

import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer

TEXTS = ["the cat sat on the mat", "A Dog RAN, in the Sun! [MASK]", "a", "", "the old house is red and blue, and the new tree sings of the sun. " * 6]
SIZE = 40
CLASS = "sentence_transformers.models."


def modules(*names, transformer="", first="Transformer"):
    rows = [(first, transformer)] + [(name.split(" ")[0], "%d_%s" % (i + 1, name.replace(" ", "_"))) for i, name in enumerate(names)]
    return [{"idx": i, "name": str(i), "path": path, "type": CLASS + name} for i, (name, path) in enumerate(rows)]


def pooling(**flags):
    return {"word_embedding_dimension": SIZE, "pooling_mode_mean_tokens": False} | {"pooling_mode_" + k: v for k, v in flags.items()}


def dense(out, activation="torch.nn.modules.activation.Tanh", bias=True, **more):
    return {"in_features": SIZE, "out_features": out, "bias": bias, "activation_function": activation} | more


def weights(generator, out, bias, residual=False):
    tensors = {"linear.weight": torch.randn(out, SIZE, generator=generator) / 6}
    if bias:
        tensors["linear.bias"] = torch.randn(out, generator=generator) / 6
    if residual:
        tensors["residual.weight"] = torch.randn(out, SIZE, generator=generator) / 6
    return tensors


def cases(out):
    words = json.loads((out.parent / "bert" / "tiny" / "tokenizer.json").read_text())["model"]["vocab"]
    generator = torch.Generator().manual_seed(5)
    save_file(weights(generator, 24, True), out / "dense24.safetensors")
    save_file(weights(generator, SIZE, False), out / "dense40.safetensors")
    save_file(weights(generator, 9, True, True), out / "dense9.safetensors")
    save_file({"norm.weight": torch.randn(24, generator=generator), "norm.bias": torch.randn(24, generator=generator)}, out / "norm24.safetensors")
    plain = {"modules.json": modules("Pooling"), "sentence_bert_config.json": {"max_seq_length": 80, "do_lower_case": False}}
    for flag in ("cls_token", "max_tokens", "mean_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"):
        yield flag, plain | {"1_Pooling/config.json": pooling(**{flag: True})}, {}, None
    yield "three", plain | {"1_Pooling/config.json": pooling(cls_token=True, max_tokens=True, mean_tokens=True, lasttoken=True)}, {}, None
    yield "two, listed", plain | {"1_Pooling/config.json": {"embedding_dimension": SIZE, "pooling_mode": ["lasttoken", "mean"]}}, {}, None
    yield "no pooling said", plain | {"1_Pooling/config.json": pooling()}, {}, None
    mean = {"1_Pooling/config.json": pooling(mean_tokens=True)}
    yield "dense, norm, normalize", plain | mean | {
        "modules.json": modules("Pooling", "Dense", "LayerNorm", "Normalize"), "2_Dense/config.json": dense(24), "3_LayerNorm/config.json": {"dimension": 24}
    }, {"2_Dense/model.safetensors": "dense24.safetensors", "3_LayerNorm/model.safetensors": "norm24.safetensors"}, None
    for name in ("linear.Identity", "activation.ReLU", "activation.GELU", "activation.Sigmoid", "activation.SiLU", "activation.Mish", "activation.ReLU6",
                 "activation.Hardswish"):
        yield name, plain | mean | {"modules.json": modules("Pooling", "Dense"), "2_Dense/config.json": dense(24, "torch.nn.modules." + name)}, {
            "2_Dense/model.safetensors": "dense24.safetensors"}, None
    yield "residual", plain | mean | {
        "modules.json": modules("Pooling", "Dense", "Dense 2"), "2_Dense/config.json": dense(SIZE, bias=False, use_residual=True),
        "3_Dense_2/config.json": dense(9, use_residual=True)
    }, {"2_Dense/model.safetensors": "dense40.safetensors", "3_Dense_2/model.safetensors": "dense9.safetensors"}, None
    yield "cut at 6", plain | mean | {"sentence_bert_config.json": {"max_seq_length": 6}}, {}, None
    yield "cut by the tokenizer", mean | {"modules.json": modules("Pooling"), "tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "model_max_length": 7}}, {}, None
    cased = {"tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "do_lower_case": False}}
    yield "cased", plain | mean | cased, {}, None
    yield "lower-cased", plain | mean | cased | {"sentence_bert_config.json": {"do_lower_case": True}}, {}, None
    prompts = {"config_sentence_transformers.json": {"prompts": {"query": "THE red: ", "document": "old "}, "default_prompt_name": "document"}}
    yield "default prompt", plain | mean | prompts, {}, None
    yield "query", plain | mean | prompts, {}, "query"
    rest = {"1_Pooling/config.json": pooling(mean_tokens=True) | {"include_prompt": False}}
    yield "default prompt, not pooled", plain | prompts | rest, {}, None
    yield "query, not pooled", plain | prompts | {"1_Pooling/config.json": {"embedding_dimension": SIZE, "pooling_mode": [
        "cls", "max", "mean", "mean_sqrt_len_tokens", "lasttoken"], "include_prompt": False}}, {}, "query"
    yield "query of many tokens, not pooled, cut at 6", plain | rest | {"modules.json": modules("Pooling", "Dense", "Normalize"),
        "2_Dense/config.json": dense(24), "sentence_bert_config.json": {"max_seq_length": 6}, "config_sentence_transformers.json": {"prompts": {
            "query": "the old house is red and blue: "}}}, {"2_Dense/model.safetensors": "dense24.safetensors"}, "query"
    yield "no prompt, not pooled", plain | rest | {"config_sentence_transformers.json": {"prompts": {"query": "the "}}}, {}, None
    save_file({"embedding.weight": torch.randn(len(words), 13, generator=generator)}, out / "static13.safetensors")
    save_file({"embeddings": torch.randn(len(words), 13, generator=generator)}, out / "model2vec13.safetensors")
    for name, tail in (("static13", []), ("model2vec13", ["Normalize"])):
        rows = modules(*tail, first="StaticEmbedding", transformer="0_StaticEmbedding")
        yield name, prompts | {"modules.json": rows}, {"0_StaticEmbedding/model.safetensors": name + ".safetensors"}, "query" if tail else None
    routes = {"query_0_StaticEmbedding": CLASS + "StaticEmbedding", "document_0_Transformer": CLASS + "Transformer", "document_1_Pooling": CLASS + "Pooling"}
    router = {"modules.json": modules("Normalize", first="Router"), "document_1_Pooling/config.json": pooling(cls_token=True)}
    ids = {"query": ["query_0_StaticEmbedding"], "document": ["document_0_Transformer", "document_1_Pooling"]}
    parts = {"query_0_StaticEmbedding/model.safetensors": "static13.safetensors", "query_0_StaticEmbedding/tokenizer.json": "../bert/tiny/tokenizer.json"}
    for prompt in (None, "query"):
        yield "router, " + str(prompt), router | {"router_config.json": {"types": routes, "structure": ids, "parameters": {
            "default_route": "document", "allow_empty_key": True}}}, parts, prompt
        yield "router by mappings, " + str(prompt), router | {"router_config.json": {"types": routes, "structure": {"a": ids["query"], "b": ids["document"]},
            "parameters": {"default_route": None, "allow_empty_key": False, "route_mappings": {"('query', None)": "a", "(None, 'text')": "b"}}}}, parts, prompt
        yield "asym, " + str(prompt), plain | mean | {"modules.json": modules("Pooling", "Asym"), "2_Asym/config.json": {
            "types": {"q_0": CLASS + "Dense", "d_0": CLASS + "Dense"}, "structure": {"document": ["d_0"], "query": ["q_0"]}, "parameters": {
                "allow_empty_key": True}}, "2_Asym/q_0/config.json": dense(24), "2_Asym/d_0/config.json": dense(24, "torch.nn.ReLU")}, {
            "2_Asym/q_0/model.safetensors": "dense24.safetensors", "2_Asym/d_0/model.safetensors": "dense24.safetensors"}, prompt
    tokens = {"module_input_name": "token_embeddings", "module_output_name": "token_embeddings"}
    yield "tokens through dense and normalize", plain | {"modules.json": modules("Dense", "Normalize", "Pooling"), "1_Dense/config.json": dense(24) | tokens,
        "2_Normalize/config.json": tokens, "3_Pooling/config.json": {"embedding_dimension": 24, "pooling_mode": ["mean", "max"]}}, {
        "1_Dense/model.safetensors": "dense24.safetensors"}, None
    for size in (7, 41):
        yield "cut off at %d" % size, plain | mean | {"modules.json": modules("Pooling", "Normalize"), "config_sentence_transformers.json": {
            "truncate_dim": size}}, {}, None
    yield "arguments of no effect", plain | mean | {"sentence_bert_config.json": {"max_seq_length": 80, "model_args": {
        "attn_implementation": "eager", "torch_dtype": "float32"}}}, {}, None
    yield "folder of its own", mean | {"modules.json": modules("Pooling", transformer="0_Transformer"),
                                       "0_Transformer/sentence_roberta_config.json": {"max_seq_length": 9}}, {}, None


def main():
    golden = pathlib.Path(sys.argv[1])
    out = golden / "sentence"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    rows, expected = [], {}
    for name, files, copies, prompt in cases(out):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            inner = folder / ("document_0_Transformer" if "router_config.json" in files else files["modules.json"][0]["path"])
            inner.mkdir(exist_ok=True)
            for file in ("config.json", "model.safetensors", "tokenizer.json"):
                shutil.copy(golden / "bert" / "tiny" / file, inner / file)
            for path, value in files.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(json.dumps(value))
            for path, source in copies.items():
                (folder / path).parent.mkdir(exist_ok=True)
                shutil.copy(out / source, folder / path)
            # The folder's own truncate_dim is only read as an argument.
            model = SentenceTransformer(str(folder), device="cpu", truncate_dim=files.get("config_sentence_transformers.json", {}).get("truncate_dim"))
            encode = model.encode if prompt is None else model.encode_query
            expected[name] = torch.tensor(encode(TEXTS, batch_size=3))
            if name == "two, listed":
                saved = folder / "saved"
                model.save_pretrained(str(saved))
                again = {str(p.relative_to(saved)): json.loads(p.read_text()) for p in saved.rglob("*.json") if p.name not in ("tokenizer.json", "config.json") or
                         p.parent != saved}
                rows.append({"name": "as it saves", "like": name, "json": again, "files": {}, "prompt": None})
        rows.append({"name": name, "like": name, "json": files, "files": copies, "prompt": prompt})
    (out / "cases.json").write_text(json.dumps({"texts": TEXTS, "cases": rows}, separators=(",", ":")) + "\n")
    save_file(expected, out / "expected.safetensors")
    print({k: tuple(v.shape) for k, v in expected.items()})


main()
