package dev.gatun.models.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Which of a folder's files hold its weights; of what cannot be read, what it is and what to do. */
final class WeightFiles {
    /** In this order. */
    private static final List<String> NAMES =
            List.of("model.safetensors", "model.safetensors.index.json", "model.onnx", "onnx/model.onnx");
    private static final int MOST_LISTED = 10_000;
    private static final int MOST_EXPLAINED = 5;

    private WeightFiles() {
    }

    /** The file of a folder's weights, be it damaged: one of the usual names, or the only ONNX file; null if there is none. */
    static Path find(Path folder) {
        return NAMES.stream().map(folder::resolve).filter(ModelFile::present).findFirst().orElseGet(() -> {
            Map<String, String> found = found(folder);
            List<String> weights = found.keySet().stream().filter(name -> name.matches("(?i).*\\.(onnx|safetensors)")).toList();
            return weights.size() == 1 && weights.getFirst().matches("(?i).*\\.onnx") ? folder.resolve(weights.getFirst()) : null;
        });
    }

    private static Map<String, String> found(Path folder) {
        Map<String, String> found = new LinkedHashMap<>();
        collect(folder, "", found);
        collect(folder.resolve("onnx"), "onnx/", found);
        return found;
    }

    /**
     * Opens a file by what its name says.
     *
     * @throws WeightException if it is of no format that can be read, or damaged
     */
    static WeightSource open(Path file, Arena arena) {
        String name = name(file);
        if (name.endsWith(".onnx")) {
            return OnnxTensors.open(file, arena);
        }
        if (name.endsWith(".index.json")) {
            return ShardedSafetensors.open(file, arena);
        }
        String cure = name.endsWith(".safetensors") ? null : cure(file);
        if (cure != null) {
            throw new WeightException(file, cure);
        }
        return SafetensorsFile.open(file, arena);
    }

    private static String name(Path file) {
        return String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    }

    /** Why a folder has no weights that can be read. */
    static String problem(Path folder) {
        StringBuilder text = new StringBuilder("has neither ").append(String.join(" nor ", NAMES));
        found(folder).forEach((name, cure) -> text.append("; ").append(Clip.text(name)).append(' ').append(cure));
        return text.toString();
    }

    private static void collect(Path folder, String prefix, Map<String, String> found) {
        if (!Files.isDirectory(folder)) {
            return;
        }
        int listed = 0;
        boolean pickled = false;
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                String cure = cure(file);
                boolean pickle = cure != null && cure.startsWith("is a pickle");
                if (cure != null && found.size() < MOST_EXPLAINED && !(pickle && pickled)) {
                    found.put(prefix + file.getFileName(), cure);
                    pickled |= pickle;
                }
                if (++listed == MOST_LISTED) {
                    return;
                }
            }
        } catch (IOException e) {
            throw new WeightException(folder, "cannot be listed: " + e.getMessage(), e);
        }
    }

    /** What something that looks like weights is, and what makes it readable; null of anything else. */
    private static String cure(Path file) {
        String name = name(file);
        Path folder = file.toAbsolutePath().getParent();
        if (name.equals("adapter_model.safetensors")) {
            return "is an adapter (LoRA) without its base model: merge them with peft's merge_and_unload() and save that";
        }
        if (name.endsWith(".safetensors") || name.endsWith(".onnx")) {
            return "is not looked for by itself: name the file if it is meant"
                    + (name.contains("quant") || name.contains("int8") || name.contains("optimi") || name.contains("fp16")
                    ? ", or better export the model anew, neither quantized nor optimized" : "");
        }
        if (name.matches("(pytorch_model.*|model.*)\\.bin|.*\\.(pt|pth|ckpt)")) {
            return "is a pickle, which can run any program and is never opened; convert it: "
                    + conversion(folder, file.getFileName().toString());
        }
        if (name.equals("tf_model.h5") || name.endsWith(".msgpack")) {
            return "holds " + (name.endsWith(".h5") ? "TensorFlow" : "Flax") + " weights: load it in transformers 4 with "
                    + (name.endsWith(".h5") ? "from_tf=True" : "from_flax=True") + " and save_pretrained() it";
        }
        if (name.endsWith(".gguf")) {
            return "is a GGUF file for llama.cpp: take the safetensors of the model that it was made from";
        }
        return name.matches(".*\\.(tflite|mlmodel|ot|pdparams)|openvino_model\\.xml")
                ? "is a format that is not read: take the safetensors or ONNX of the same model" : null;
    }

    /** A command that writes safetensors of a pickle, or of all its parts. */
    private static String conversion(Path folder, String name) {
        Path parts = folder.resolve(name.replaceAll("-[0-9]+-of-", "-*-of-"));
        return "python -c \"import glob, torch; from safetensors.torch import save_file; save_file({k: v.clone().contiguous()"
                + " for f in sorted(glob.glob('" + parts
                        + "')) for k, v in torch.load(f, map_location='cpu', weights_only=True).items()}, '"
                + folder.resolve("model.safetensors") + "')\"";
    }
}
