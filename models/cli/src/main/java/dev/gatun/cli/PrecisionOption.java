package dev.gatun.cli;

import dev.gatun.models.task.classify.ImageClassifier;
import picocli.CommandLine;

/** What {@code --precision} means where a model's files decide: a check. */
final class PrecisionOption {
    private PrecisionOption() {
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
