package dev.gatun.models.task.classify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.gatun.models.image.ImagePreprocessor;
import dev.gatun.models.image.Interpolation;
import dev.gatun.models.vision.VisionSpec;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.StreamSupport;

/** The preprocessing that a config.json asks for, or the usual one of the architecture. */
final class Preprocessing {
    private static final double CROP = 0.875;

    private Preprocessing() {
    }

    /**
     * {@code mean}, {@code std}, {@code resize} ({@code stretch}), {@code crop_pct}, {@code crop_mode} ({@code center}, or {@code squash}
     * without a crop) and {@code interpolation} at the top or below timm's {@code pretrained_cfg}.
     *
     * @throws IllegalArgumentException if the numbers do not fit the network
     */
    static ImagePreprocessor of(JsonNode config, VisionSpec spec) {
        int channels = spec.channels();
        int height = spec.inputSize().height();
        int width = spec.inputSize().width();
        boolean resNet = spec.name().startsWith("resnet");
        ImagePreprocessor usual = ImagePreprocessor.imageNet();
        boolean colours = resNet && channels == 3;
        float[] mean = floats(find(config, "mean"), colours ? usual.mean() : filled(channels, 0));
        float[] std = floats(find(config, "std"), colours ? usual.std() : filled(channels, 1));
        int longest = Math.max(height, width);
        int shortSide;
        if (find(config, "resize").asText("").equals("stretch")) {
            shortSide = 0;
        } else {
            JsonNode share = find(config, "crop_pct");
            double crop = share.isNumber() ? share.doubleValue() : resNet ? CROP : 1;
            if (!(crop > 0 && crop <= 1) || !share.isNumber() && !share.isMissingNode()) {
                throw new IllegalArgumentException("crop_pct " + share + " must be a number above 0, at most 1");
            }
            String mode = find(config, "crop_mode").asText("center");
            if (!mode.equals("center") && !(mode.equals("squash") && crop == 1)) {
                throw new IllegalArgumentException("crop_mode " + mode + " with crop_pct " + crop + ", expected center, or squash with 1");
            }
            shortSide = mode.equals("squash") ? 0 : (int) Math.floor(longest / crop);
        }
        return new ImagePreprocessor(channels, height, width, shortSide, mean, std,
                interpolation(find(config, "interpolation").asText("bilinear")));
    }

    private static Interpolation interpolation(String name) {
        for (Interpolation known : Interpolation.values()) {
            if (known.name().toLowerCase(Locale.ROOT).equals(name)) {
                return known;
            }
        }
        throw new IllegalArgumentException("interpolation " + name + ", expected "
                + Arrays.toString(Interpolation.values()).toLowerCase(Locale.ROOT));
    }

    private static JsonNode find(JsonNode config, String name) {
        JsonNode top = config.path(name);
        JsonNode found = top.isMissingNode() || top.isNull() ? config.path("pretrained_cfg").path(name) : top;
        return found.isNull() ? MissingNode.getInstance() : found;
    }

    private static float[] filled(int n, float value) {
        float[] result = new float[n];
        Arrays.fill(result, value);
        return result;
    }

    private static float[] floats(JsonNode node, float[] otherwise) {
        if (node.isMissingNode()) {
            return otherwise;
        }
        if (!node.isArray() || !StreamSupport.stream(node.spliterator(), false).allMatch(JsonNode::isNumber)) {
            throw new IllegalArgumentException("mean and std must be lists of numbers");
        }
        float[] result = new float[node.size()];
        for (int i = 0; i < result.length; i++) {
            result[i] = (float) node.get(i).asDouble();
        }
        return result;
    }
}
