package dev.gatun.models.onnx;

import java.util.List;
import java.util.stream.Collectors;

/**
 * What a file says of an input or output.
 *
 * @param name       in the graph
 * @param kind       tensor, sequence, optional and so on
 * @param type       of its elements; null if the file does not say
 * @param dims       numbers ({@code Long}), names ({@code String}), or null for one of which nothing is said; null if the rank is not said
 * @param hasDefault whether the file has a value for it
 */
public record OnnxInfo(String name, String kind, OnnxType type, List<Object> dims, boolean hasDefault) {

    static OnnxInfo of(Proto.Info info, boolean hasDefault) {
        Proto.Type type = info.type();
        return new OnnxInfo(info.name(), type.kind().name().toLowerCase(java.util.Locale.ROOT), OnnxType.ofCode(type.element()),
                type.dims(), hasDefault);
    }

    /** Why a value does not fit; null if it does. */
    String contradiction(OnnxValue value) {
        if (!kind.equals("tensor")) {
            return null;
        }
        if (!(value instanceof OnnxTensor tensor)) {
            return "is no tensor";
        }
        if (type != null && tensor.type() != type) {
            return "is " + tensor.type() + ", expected " + type;
        }
        if (dims == null) {
            return null;
        }
        boolean fits = dims.size() == tensor.rank();
        for (int i = 0; fits && i < dims.size(); i++) {
            fits = !(dims.get(i) instanceof Long size) || size < 1 || size == tensor.dim(i);
        }
        return fits ? null : "is " + tensor + ", expected " + this;
    }

    /** As {@code FLOAT [batch, 3, 224, 224]}. */
    @Override
    public String toString() {
        String shape = dims == null ? "[...]" : dims.stream().map(d -> d == null ? "?" : d.toString())
                .collect(Collectors.joining(", ", "[", "]"));
        return (kind.equals("tensor") ? "" : kind + " of ") + type + " " + shape;
    }
}
