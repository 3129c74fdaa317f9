package dev.gatun.models.checkpoint;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** What checkpoints call the same tensor: the one place that knows historic names and what trainers put before a model's own. */
final class TensorNames {
    /**
     * Names under which heads, wrappers and trainers keep a model. At most two of them stand before a name, as in
     * {@code 0.auto_model.bert.embeddings}.
     */
    private static final List<String> WRAPPERS = List.of("bert", "roberta", "xlm_roberta", "distilbert", "electra", "camembert",
            "deberta", "mpnet", "albert", "ernie", "longformer", "nomic_bert", "gte", "new", "base_model", "base_model.model", "backbone",
            "model", "module", "transformer", "encoder", "decoder", "auto_model", "0.auto_model", "0", "net", "resnet", "vit", "body",
            "trunk", "timm_model", "_orig_mod", "state_dict", "student", "teacher", "bert_model", "text_model", "vision_model",
            "text_encoder", "language_model");
    private static final Pattern NORM = Pattern.compile("(.*[._])?((layer|batch|group|rms)_?norm|norm|ln|bn)[_.]?\\w*|.*norm");

    private TensorNames() {
    }

    /**
     * The name that a source has for a tensor: its own, or that of older checkpoints, whose norms have gamma and beta.
     *
     * @return null if there is none
     */
    static String find(Set<String> names, String name) {
        if (names.contains(name)) {
            return name;
        }
        int dot = name.lastIndexOf('.');
        String last = name.substring(dot + 1);
        String old = last.equals("weight") ? "gamma" : last.equals("bias") ? "beta" : null;
        if (old == null || dot < 0 || !NORM.matcher(name.substring(0, dot).toLowerCase(Locale.ROOT)).matches()) {
            return null;
        }
        String historic = name.substring(0, dot + 1) + old;
        return names.contains(historic) ? historic : null;
    }

    /** The prefix, perhaps empty, under which a name exists; null if under none that is known. */
    static String prefix(Set<String> names, String name) {
        if (find(names, name) != null) {
            return "";
        }
        for (String outer : WRAPPERS) {
            if (find(names, outer + "." + name) != null) {
                return outer;
            }
        }
        for (String outer : WRAPPERS) {
            for (String inner : WRAPPERS) {
                if (find(names, outer + "." + inner + "." + name) != null) {
                    return outer + "." + inner;
                }
            }
        }
        return null;
    }
}
