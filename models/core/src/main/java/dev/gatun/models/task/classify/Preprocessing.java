package dev.gatun.models.task.classify;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gatun.models.image.ImagePreprocessor;
import dev.gatun.models.vision.VisionNetwork;
import java.util.Arrays;

/** The preprocessing that a config.json asks for, or the usual one of the architecture. */
final class Preprocessing {
    private static final double CROP = 0.875;

    private Preprocessing() {
    }

    /**
     * {@code mean}, {@code std}, {@code resize} ({@code stretch}) and {@code crop_pct} at the top or below timm's
     * {@code pretrained_cfg}.
     *
     * @throws IllegalArgumentException if the numbers do not fit the network
     */
    static ImagePreprocessor of(JsonNode config, VisionNetwork network) {
        int channels = network.channels();
        int height = network.inputSize().height();
        int width = network.inputSize().width();
        boolean resNet = network.name().startsWith("resnet");
        ImagePreprocessor usual = ImagePreprocessor.imageNet();
        boolean colours = resNet && channels == 3;
        float[] mean = floats(find(config, "mean"), colours ? usual.mean() : filled(channels, 0));
        float[] std = floats(find(config, "std"), colours ? usual.std() : filled(channels, 1));
        int longest = Math.max(height, width);
        int shortSide;
        if (find(config, "resize").asText("").equals("stretch")) {
            shortSide = 0;
        } else {
            double crop = find(config, "crop_pct").asDouble(resNet ? CROP : 1);
            if (!(crop > 0 && crop <= 1)) {
                throw new IllegalArgumentException("crop_pct " + crop + " must be above 0, at most 1");
            }
            shortSide = (int) Math.floor(longest / crop);
        }
        return new ImagePreprocessor(channels, height, width, shortSide, mean, std);
    }

    private static JsonNode find(JsonNode config, String name) {
        JsonNode top = config.path(name);
        return top.isMissingNode() ? config.path("pretrained_cfg").path(name) : top;
    }

    private static float[] filled(int n, float value) {
        float[] result = new float[n];
        Arrays.fill(result, value);
        return result;
    }

    private static float[] floats(JsonNode node, float[] otherwise) {
        if (!node.isArray()) {
            return otherwise;
        }
        float[] result = new float[node.size()];
        for (int i = 0; i < result.length; i++) {
            result[i] = (float) node.get(i).asDouble();
        }
        return result;
    }
}
