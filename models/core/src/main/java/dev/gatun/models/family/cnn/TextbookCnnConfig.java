package dev.gatun.models.family.cnn;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gatun.models.vision.VisionSpec;
import dev.gatun.models.vision.VisionSpec.InputSize;

/**
 * Sizes of the textbook CNN; mirrors the checkpoint's {@code config.json}.
 *
 * @param inputChannels C of the pictures
 * @param channels1     of the first convolution
 * @param channels2     of the second
 * @param inputHeight   H, 4 or more
 * @param inputWidth    W, 4 or more
 * @param hiddenSize    of the first linear layer
 * @param numClasses    of the last
 */
public record TextbookCnnConfig(int inputChannels, int channels1, int channels2, int inputHeight, int inputWidth,
        int hiddenSize, int numClasses) {

    /** 3 channels of 24 x 24, 64 and 128 channels, 1000 hidden, 10 classes. */
    public static final TextbookCnnConfig DEFAULT = new TextbookCnnConfig(3, 64, 128, 24, 24, 1000, 10);

    /** Checks the numbers. */
    public TextbookCnnConfig {
        if (Math.min(Math.min(inputChannels, channels1), Math.min(channels2, Math.min(hiddenSize, numClasses))) < 1) {
            throw new IllegalArgumentException("channels " + inputChannels + ", " + channels1 + ", " + channels2 + ", hidden_size "
                    + hiddenSize + ", num_classes " + numClasses + ": all must be 1 or more");
        }
        if (inputHeight < 4 || inputWidth < 4) {
            throw new IllegalArgumentException("input " + inputHeight + " x " + inputWidth + ": two poolings need 4 x 4 or more");
        }
        if ((long) (inputHeight / 4) * (inputWidth / 4) > Integer.MAX_VALUE / channels2) {
            throw new IllegalArgumentException("input " + inputHeight + " x " + inputWidth + " and " + channels2
                    + " channels give the first linear layer more than 2^31 inputs");
        }
    }

    /** Inputs of the first linear layer: C2 * (H / 4) * (W / 4). */
    public int flatSize() {
        return channels2 * (inputHeight / 4) * (inputWidth / 4);
    }

    /** What the network takes and gives. */
    public VisionSpec spec() {
        return new VisionSpec("textbook-cnn", inputChannels, new InputSize(inputHeight, inputWidth), 0, flatSize(), hiddenSize, numClasses);
    }

    /**
     * Reads {@code channels}, {@code input_height}, {@code input_width}, {@code hidden_size} and {@code num_classes}; what
     * is missing has its default.
     *
     * @throws IllegalArgumentException if one is not a number, or out of range
     */
    public static TextbookCnnConfig fromJson(JsonNode json) {
        JsonNode channels = json.path("channels");
        if (!channels.isMissingNode() && (!channels.isArray() || channels.size() != 3)) {
            throw new IllegalArgumentException("channels " + channels + " must be three numbers");
        }
        return new TextbookCnnConfig(number(channels.path(0), "channels", DEFAULT.inputChannels),
                number(channels.path(1), "channels", DEFAULT.channels1), number(channels.path(2), "channels", DEFAULT.channels2),
                number(json.path("input_height"), "input_height", DEFAULT.inputHeight),
                number(json.path("input_width"), "input_width", DEFAULT.inputWidth),
                number(json.path("hidden_size"), "hidden_size", DEFAULT.hiddenSize),
                number(json.path("num_classes"), "num_classes", DEFAULT.numClasses));
    }

    private static int number(JsonNode node, String name, int otherwise) {
        if (node.isMissingNode()) {
            return otherwise;
        }
        if (!node.isIntegralNumber() || !node.canConvertToInt()) {
            throw new IllegalArgumentException(name + " " + node + " is not a number of this size");
        }
        return node.asInt();
    }
}
