package dev.gatun.models.vision;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.graph.Dim;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Spec;

/**
 * Sizes of an image network.
 *
 * @param name         as {@code resnet50}, for messages
 * @param channels     C of the pictures
 * @param inputSize    H and W that the model was made for
 * @param smallestSide the least H and W that work, where others than those do; 0 if none does
 * @param trunkSize    columns of the trunk's result
 * @param featureCount columns of the features: the penultimate layer
 * @param classCount   columns of the logits
 * @param tokens       what a picture is in a trunk that is a Transformer, or null
 */
public record VisionSpec(String name, int channels, InputSize inputSize, int smallestSide, int trunkSize, int featureCount,
        int classCount, Tokens tokens) {
    /** Pictures that a Transformer takes at once at most. */
    static final int MAX_SEQUENCES = 8;
    private static final int LARGEST_SIDE = 4096;
    private static final String N = "n";
    private static final String HEIGHT = "height";
    private static final String WIDTH = "width";
    private static final String TOKENS = "tokens";

    /** Of a trunk that is no Transformer. */
    public VisionSpec(String name, int channels, InputSize inputSize, int smallestSide, int trunkSize, int featureCount, int classCount) {
        this(name, channels, inputSize, smallestSide, trunkSize, featureCount, classCount, null);
    }

    /**
     * A picture as a sequence of tokens.
     *
     * @param count   of a picture
     * @param results the last of them, which are the trunk's result side by side
     * @param probed  whether a learned query that attends to all of them makes the result instead
     */
    public record Tokens(int count, int results, boolean probed) {
        /** Tokens of which some are the result. */
        public Tokens(int count, int results) {
            this(count, results, false);
        }
    }

    /**
     * Height and width.
     *
     * @param height H
     * @param width  W
     */
    public record InputSize(int height, int width) {
        /** Checks that there is a pixel. */
        public InputSize {
            if (height < 1 || width < 1) {
                throw new IllegalArgumentException("input of " + height + " x " + width + ": both must be 1 or more");
            }
        }

        /** A config's: the side of a square, or height and width. */
        public static InputSize of(ConfigFields config, String name, int otherwise) {
            if (config.isNumber(name) || !config.has(name)) {
                int side = config.integer(name, 1, LARGEST_SIDE, otherwise);
                return new InputSize(side, side);
            }
            int[] sides = config.integers(name, 1, LARGEST_SIDE);
            if (sides.length != 2) {
                throw config.error(name, "an integer, or height and width");
            }
            return new InputSize(sides[0], sides[1]);
        }

        @Override
        public String toString() {
            return height + " x " + width;
        }
    }

    /**
     * Checks another input size.
     *
     * @throws IllegalArgumentException if the network cannot take it; the message names both shapes
     */
    public void checkInput(InputSize size) {
        boolean fits = smallestSide == 0 ? size.equals(inputSize) : Math.min(size.height(), size.width()) >= smallestSide;
        if (!fits) {
            throw new IllegalArgumentException(name + ": input " + shape(size) + ", expected "
                    + (smallestSide == 0 ? shape(inputSize) : smallestSide + " x " + smallestSide + " or more"));
        }
    }

    private String shape(InputSize size) {
        return "[N, " + channels + ", " + size.height() + ", " + size.width() + "]";
    }

    /** The trunk's input: F32 [n, C, H, W], H and W free if others work. */
    public Spec pictures() {
        boolean fixed = smallestSide == 0;
        return Spec.of(DataType.F32, new Dim(N, 1), channels, new Dim(fixed ? null : HEIGHT, inputSize.height()),
                new Dim(fixed ? null : WIDTH, inputSize.width()));
    }

    /** Input of a Transformer: S32 [n * tokens], each token's place in its picture. */
    public Spec places() {
        return Spec.of(DataType.S32, new Dim(TOKENS, tokens.count));
    }

    /** Input of a Transformer: S32, how many pictures, then their offsets in tokens. */
    public Spec sequences() {
        return Spec.of(DataType.S32, MAX_SEQUENCES + 2);
    }

    /** Input of a Transformer with a learned query: S32 [n], its row for each picture. */
    public Spec probes() {
        return Spec.of(DataType.S32, new Dim(N, 1));
    }

    /**
     * Input of a Transformer: S32, how many tokens are the result, then offsets of sequences that end in one each; with a learned query,
     * offsets of one query a picture.
     */
    public Spec results() {
        return Spec.of(DataType.S32, maxResults() + 2);
    }

    /** Tokens that are the result of as many pictures as there may be. */
    public int maxResults() {
        return MAX_SEQUENCES * tokens.results;
    }

    /** The head's input: F32 [n, trunkSize]. */
    public Spec rows() {
        return Spec.of(DataType.F32, new Dim(N, 1), trunkSize);
    }

    /** Sizes of the trunk's free dimensions for so many pictures. */
    Sizes trunkSizes(InputSize size, int batch) {
        Sizes sizes = tokens == null ? headSizes(batch) : headSizes(batch).with(TOKENS, (long) batch * tokens.count);
        return smallestSide == 0 ? sizes : sizes.with(HEIGHT, size.height()).with(WIDTH, size.width());
    }

    /** Sizes of the head's free dimension for so many rows. */
    Sizes headSizes(int rows) {
        return Sizes.of(N, rows);
    }
}
