package dev.gatun.cli;

import dev.gatun.models.hub.HubName;
import java.io.IOException;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** Which of a model's files Gatun reads. */
final class HubFiles {
    private static final Predicate<String> SAFETENSORS = Pattern.compile("(.+/)?model(-\\d+-of-\\d+)?\\.safetensors").asMatchPredicate();
    private static final List<String> ONNX = List.of("model.onnx", "onnx/model.onnx");
    private static final Predicate<String> SMALL =
            Pattern.compile("([^/]+/)?[^/]+\\.(json|model)|([^/]+/)?(vocab|merges|labels)\\.txt").asMatchPredicate();
    private static final Predicate<String> OTHERS =
            Pattern.compile("(onnx|openvino|coreml|\\.[^/]*|[^/]*checkpoint[^/]*|runs|original)/.*").asMatchPredicate();

    private HubFiles() {
    }

    /** Settings and tokenizers; safetensors, or without them ONNX. */
    static List<String> wanted(HubName name, List<String> files) throws IOException {
        Predicate<String> weights = files.stream().anyMatch(file -> SAFETENSORS.test(file) && !file.contains("/")) ? SAFETENSORS
                : ONNX.stream().filter(files::contains).findFirst().<Predicate<String>>map(onnx -> onnx::equals).orElse(null);
        if (weights == null) {
            throw new IOException(name + " has neither model.safetensors nor model.onnx" + (files.stream().anyMatch(f -> f.endsWith(".bin"))
                    ? "; its pytorch_model.bin is a pickle, which can run any program and is not downloaded; convert it: python -c \"from "
                            + "transformers "
                    + "import AutoModel, AutoTokenizer; [c.from_pretrained('" + name.repository() + "', revision='" + name.revision()
                    + "').save_pretrained('DIR') for c in (AutoModel, AutoTokenizer)]\", and use --model DIR"
                    : ""));
        }
        return files.stream().filter(file -> weights.test(file) || SMALL.test(file))
                .filter(file -> weights.test(file) || !OTHERS.test(file)).sorted().toList();
    }
}
