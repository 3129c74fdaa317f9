package dev.gatun.cli;

import dev.gatun.models.task.classify.ImageClassifier;
import dev.gatun.tensor.Precision;
import picocli.CommandLine;

/** What {@code --precision} means: of texts' models what their linear layers become; where an image model's files decide, a check. */
final class PrecisionOption {
    private PrecisionOption() {
    }

    /** By name; unknown ones are misuse. */
    static Precision parse(CommandLine.Model.CommandSpec spec, String name) {
        try {
            return Precision.of(name);
        } catch (IllegalArgumentException e) {
            throw new CommandLine.ParameterException(spec.commandLine(), "--precision " + name + ": expected f32, bf16, f16, int8 or auto");
        }
    }

    /** Refuses unknown precisions, and models of another. */
    static void check(CommandLine.Model.CommandSpec spec, String precision, ImageClassifier classifier) {
        if (precision == null) {
            return;
        }
        if (!precision.equals("f32") && !precision.equals("int8")) {
            throw new CommandLine.ParameterException(spec.commandLine(), "--precision " + precision + ": expected f32 or int8");
        }
        if (!precision.equals(classifier.precision())) {
            throw new IllegalArgumentException("--precision " + precision + ": the model is " + classifier.precision()
                    + (precision.equals("int8") ? "; gatun quantize makes an int8 model of it" : "; use the model that it was made from"));
        }
    }
}
