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
 * The preprocessing of a {@code preprocessor_config.json}, as transformers' image processors of ViT, DeiT, CLIP and SigLIP do it with
 * Pillow.
 */
public final class HubPreprocessing {
    private static final Interpolation[] PILLOW = {Interpolation.NEAREST, Interpolation.LANCZOS, Interpolation.BILINEAR,
        Interpolation.BICUBIC, Interpolation.BOX, Interpolation.HAMMING};
    private static final Map<String, Processor> PROCESSORS = new HashMap<>();
    private static final double WHITE = 255;

    /** What fields mean that are absent. */
    private enum Processor {
        VIT("ViT", false, 2, 224), DEIT("DeiT", true, 3, 256), CLIP("CLIP", true, 3, 224), SIGLIP("Siglip", false, 3, 224);

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
            return this == CLIP || this == SIGLIP;
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
        Processor usual = Arrays.stream(Processor.values()).filter(p -> p.name().equalsIgnoreCase(spec.name())).findFirst().orElse(null);
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
        boolean crops = config.flag("do_center_crop", processor.crops);
        InputSize cropped = size("crop_size", new InputSize(224, 224));
        if (crops && !input.equals(cropped)) {
            throw config.error("crop_size", "the image_size of config.json, " + input + (config.has("crop_size") ? ""
                    : "; without it transformers crops to " + cropped + ": add it, or do_center_crop false"));
        }
        int shortest = shortest();
        InputSize resized = shortest > 0 ? null : size("size", new InputSize(processor.side, processor.side));
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

    /** What the shorter side is resized to, or 0 if both sides are given. */
    private int shortest() {
        if (config.isNumber("size")) {
            return processor.shortest() ? config.integer("size", 1, 1 << 16) : 0;
        }
        return config.has("size") ? config.object("size").integer("shortest_edge", 1, 1 << 16, 0)
                : processor == Processor.CLIP ? processor.side : 0;
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
