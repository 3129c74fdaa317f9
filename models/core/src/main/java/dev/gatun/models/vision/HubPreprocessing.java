package dev.gatun.models.vision;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.image.ImagePreprocessor;
import dev.gatun.models.image.Interpolation;
import dev.gatun.models.vision.VisionSpec.InputSize;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The preprocessing of a {@code preprocessor_config.json}, as transformers' image processors of ViT, DeiT, CLIP, SigLIP and ConvNeXT (which
 * ResNets have too) do it with Pillow.
 */
public final class HubPreprocessing {
    private static final Interpolation[] PILLOW = {Interpolation.NEAREST, Interpolation.LANCZOS, Interpolation.BILINEAR,
        Interpolation.BICUBIC, Interpolation.BOX, Interpolation.HAMMING};
    private static final Map<String, Processor> PROCESSORS = new HashMap<>();
    private static final double WHITE = 255;
    private static final int USUAL_SIDE = 224;
    /** From this size on ConvNeXT's processor stretches pictures; below it cuts a {@code crop_pct} of them. */
    private static final int STRETCHED = 384;

    /** What fields mean that are absent. */
    private enum Processor {
        VIT("ViT", false, 2, 224), DEIT("DeiT", true, 3, 256), CLIP("CLIP", true, 3, 224), SIGLIP("Siglip", false, 3, 224),
        CONVNEXT("ConvNext", false, 3, 384);

        private final boolean crops;
        private final int resample;
        private final int side;

        Processor(String name, boolean crops, int resample, int side) {
            this.crops = crops;
            this.resample = resample;
            this.side = side;
            for (String ending : new String[] {"ImageProcessor", "ImageProcessorFast", "ImageProcessorPil", "FeatureExtractor"}) {
                PROCESSORS.put(name + ending, this);
            }
        }

        /** Whether a single number is the shorter side's. */
        boolean shortest() {
            return this == CLIP || this == SIGLIP || this == CONVNEXT;
        }

        double[] mean() {
            return this == CLIP ? new double[] {0.48145466, 0.4578275, 0.40821073} : new double[] {0.5, 0.5, 0.5};
        }

        double[] std() {
            return this == CLIP ? new double[] {0.26862954, 0.26130258, 0.27577711} : new double[] {0.5, 0.5, 0.5};
        }
    }

    private final ConfigFields config;
    private final VisionSpec spec;
    private final Processor processor;

    private HubPreprocessing(ConfigFields config, VisionSpec spec) {
        this.config = config;
        this.spec = spec;
        Processor usual = spec.name().equals("resnet") ? Processor.CONVNEXT : Arrays.stream(Processor.values())
                .filter(p -> p.name().equalsIgnoreCase(spec.name())).findFirst().orElse(null);
        Processor old = config.choice("feature_extractor_type", usual, PROCESSORS);
        this.processor = config.choice("image_processor_type", old, PROCESSORS);
        if (processor == null) {
            throw config.error("image_processor_type", "one of " + PROCESSORS.keySet());
        }
    }

    /**
     * Reads a folder's.
     *
     * @throws dev.gatun.models.checkpoint.WeightException if there is none, or as the other
     */
    public static ImagePreprocessor of(Path folder, VisionSpec spec) {
        Path file = folder.resolve("preprocessor_config.json");
        if (!JsonFiles.present(file)) {
            throw new WeightException(file, "does not exist; expected the file that says how pictures are resized and normalized");
        }
        return of(ConfigFields.of(file, JsonFiles.object(file)), spec);
    }

    /**
     * What a folder's pictures are cut or resized to, for a network that takes any size.
     *
     * @param usual side of a square, where the folder does not say
     */
    public static InputSize inputSize(Path folder, int usual) {
        Path file = folder.resolve("preprocessor_config.json");
        if (!JsonFiles.present(file)) {
            return new InputSize(usual, usual);
        }
        ConfigFields config = ConfigFields.of(file, JsonFiles.object(file));
        String name = config.flag("do_center_crop", config.has("crop_size")) ? "crop_size" : "size";
        if (config.isNumber(name) || !config.has(name)) {
            int side = config.integer(name, 1, 1 << 14, usual);
            return new InputSize(side, side);
        }
        ConfigFields sides = config.object(name);
        int shortest = sides.integer("shortest_edge", 1, 1 << 14, usual);
        return new InputSize(sides.integer("height", 1, 1 << 14, shortest), sides.integer("width", 1, 1 << 14, shortest));
    }

    /**
     * What absent fields mean depends on {@code image_processor_type}.
     *
     * @throws dev.gatun.models.checkpoint.WeightException if a field has a value that is not served, or is not known
     */
    static ImagePreprocessor of(ConfigFields config, VisionSpec spec) {
        return new HubPreprocessing(config, spec).read();
    }

    private ImagePreprocessor read() {
        config.require("do_resize", true);
        config.require("do_pad", false);
        config.require("default_to_square", !processor.shortest());
        config.ignore("do_convert_rgb", "processor_class", "data_format", "input_data_format", "return_tensors", "device",
                "disable_grouping", "_valid_processor_keys", "pad_size", "image_seq_length", "do_reduce_labels", "auto_map");
        InputSize input = spec.inputSize();
        int edge = shortest();
        int shortest = processor == Processor.CONVNEXT ? share(edge) : edge;
        InputSize resized = shortest > 0 ? null : edge > 0 ? new InputSize(edge, edge)
                : size("size", new InputSize(processor.side, processor.side));
        if (processor != Processor.CONVNEXT) {
            crop(input, shortest, resized);
        } else if (!input.equals(edge > 0 ? new InputSize(edge, edge) : resized)) {
            throw config.error("size", "the network's input, " + input);
        }
        int resample = config.integer("resample", 0, PILLOW.length - 1, processor.resample);
        float[][] scale = scale();
        List<String> unread = config.unread();
        if (!unread.isEmpty()) {
            throw config.error(unread.getFirst(), "no such field");
        }
        int[] sides = shortest > 0 ? new int[0] : new int[] {resized.height(), resized.width()};
        return new ImagePreprocessor(spec.channels(), input.height(), input.width(), shortest, scale[0], scale[1], PILLOW[resample])
                .withCorner(sides);
    }

    /** What ConvNeXT's processor resizes the shorter side to before it cuts {@code edge} pixels out; 0 if it stretches the picture. */
    private int share(int edge) {
        config.require("do_center_crop", false);
        config.ignore("crop_size");
        double share = config.number("crop_pct", USUAL_SIDE / 256d);
        if (!(share > 0 && share <= 1)) {
            throw config.error("crop_pct", "a number above 0, at most 1");
        }
        if (edge == 0 && (config.has("image_processor_type") || config.has("feature_extractor_type"))) {
            throw config.error("size", "a shortest_edge");
        }
        return edge >= STRETCHED ? 0 : (int) (edge / share);
    }

    private void crop(InputSize input, int shortest, InputSize resized) {
        boolean crops = config.flag("do_center_crop", processor.crops);
        InputSize cropped = size("crop_size", new InputSize(USUAL_SIDE, USUAL_SIDE));
        if (crops && !input.equals(cropped)) {
            throw config.error("crop_size", "the image_size of config.json, " + input + (config.has("crop_size") ? ""
                    : "; without it transformers crops to " + cropped + ": add it, or do_center_crop false"));
        }
        if (shortest > 0 && config.has("size") && !config.isNumber("size")) {
            config.object("size").require("longest_edge");
            config.object("size").require("height");
            config.object("size").require("width");
        }
        if (!crops && !input.equals(resized)) {
            throw config.error("size", "the image_size of config.json, " + input + ", because nothing is cropped");
        }
        if (shortest > 0 ? shortest < Math.max(input.height(), input.width())
                : resized.height() < input.height() || resized.width() < input.width()) {
            throw config.error("size", "at least the crop_size " + input);
        }
    }

    /** What the shorter side is resized to, or 0 if both sides are given. */
    private int shortest() {
        if (config.isNumber("size")) {
            return processor.shortest() ? config.integer("size", 1, 1 << 16) : 0;
        }
        return config.has("size") ? config.object("size").integer("shortest_edge", 1, 1 << 16, 0)
                : processor == Processor.CLIP || processor == Processor.CONVNEXT ? processor.side : 0;
    }

    /** Mean and deviation of values from 0 to 1 that come to what is asked for values times {@code rescale_factor}. */
    private float[][] scale() {
        boolean rescales = config.flag("do_rescale", true);
        double factor = config.number("rescale_factor", 1 / WHITE);
        double range = WHITE * (rescales ? factor : 1);
        if (!(range > 0)) {
            throw config.error("rescale_factor", "a number above 0");
        }
        boolean normalizes = config.flag("do_normalize", true);
        float[][] scale = new float[2][];
        String[] names = {"image_mean", "image_std"};
        for (int i = 0; i < 2; i++) {
            double[] values = values(names[i], i == 0 ? processor.mean() : processor.std());
            if (!normalizes) {
                Arrays.fill(values, i);
            }
            scale[i] = new float[values.length];
            for (int c = 0; c < values.length; c++) {
                if (i == 1 && !(values[c] > 0)) {
                    throw config.error(names[i], "numbers above 0");
                }
                scale[i][c] = (float) (values[c] / range);
            }
        }
        return scale;
    }

    private double[] values(String name, double[] otherwise) {
        double[] values = Arrays.copyOf(otherwise, spec.channels());
        if (config.isNumber(name)) {
            Arrays.fill(values, config.number(name));
        } else if (config.has(name)) {
            values = config.numbers(name);
        }
        if (values.length != spec.channels()) {
            throw config.error(name, "a number for each of " + spec.channels() + " channels");
        }
        return values;
    }

    /** A side of a square, or height and width. */
    private InputSize size(String name, InputSize otherwise) {
        if (!config.has(name)) {
            config.ignore(name);
            return otherwise;
        }
        if (config.isNumber(name)) {
            int side = config.integer(name, 1, 1 << 16);
            return new InputSize(side, side);
        }
        ConfigFields size = config.object(name);
        return new InputSize(size.integer("height", 1, 1 << 16), size.integer("width", 1, 1 << 16));
    }
}
