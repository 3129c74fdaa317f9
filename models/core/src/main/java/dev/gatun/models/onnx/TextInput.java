package dev.gatun.models.onnx;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** What a model of texts is given, each a whole number for every token: INT64, INT32 or FLOAT [batch, sequence]. */
public enum TextInput {
    /** Tokens. */
    IDS("input_ids", "ids"),
    /** 1 for a token, 0 for what fills a text up. */
    MASK("attention_mask", "input_mask", "mask"),
    /** Which text of a pair. */
    TYPES("token_type_ids", "segment_ids"),
    /** Places, from 0. */
    POSITIONS("position_ids");

    private final List<String> names;

    TextInput(String... names) {
        this.names = List.of(names);
    }

    /**
     * The inputs of a model of texts.
     *
     * @throws IllegalArgumentException if there is another, or no ids: it is no model of texts
     */
    public static Map<TextInput, OnnxInfo> of(OnnxModel model) {
        Map<TextInput, OnnxInfo> found = new EnumMap<>(TextInput.class);
        for (OnnxInfo info : model.inputs().values()) {
            TextInput input = List.of(values()).stream().filter(i -> i.names.contains(info.name().replaceAll(":0$", ""))).findFirst()
                    .orElse(null);
            boolean fits = input != null && info.dims() != null && info.dims().size() == 2
                    && (info.type() == OnnxType.INT64 || info.type() == OnnxType.INT32 || info.type() == OnnxType.FLOAT);
            if (fits) {
                found.put(input, info);
            } else if (!info.hasDefault()) {
                throw new IllegalArgumentException("input " + info.name() + " " + info + ": expected input_ids, attention_mask,"
                        + " token_type_ids and position_ids, [batch, sequence], of a model of texts");
            }
        }
        if (!found.containsKey(IDS)) {
            throw new IllegalArgumentException("has no input input_ids [batch, sequence], only " + model.inputs().keySet());
        }
        return found;
    }
}
