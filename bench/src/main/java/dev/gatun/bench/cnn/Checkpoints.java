package dev.gatun.bench.cnn;

import dev.gatun.bench.onnx.OnnxGraphWriter;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.SafetensorsWriter;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.family.cnn.TextbookCnn;
import dev.gatun.models.family.cnn.TextbookCnnConfig;
import dev.gatun.models.family.resnet.ResNet;
import dev.gatun.models.family.resnet.ResNetConfig;
import dev.gatun.models.task.classify.QuantizeOptions;
import dev.gatun.models.task.classify.Quantizer;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Layer;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Pass;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.graph.pass.FoldBatchNorm;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;

/**
 * The files of a network, made when first asked for, in a folder that {@code make clean} removes: {@code model.safetensors} and
 * config for us, {@code model.onnx} for others, and the same quantized.
 */
final class Checkpoints {
    private static final int CALIBRATION_PICTURES = 8;
    private static final int OPSET = 17;

    private Checkpoints() {
    }

    /** Input pictures, preprocessed: smooth noise in the range of ImageNet's normalization; F32 [batch, 3, size, size]. */
    static float[] pictures(Network network, int batch) {
        float[] values = new float[batch * network.inputLength];
        int plane = network.size * network.size;
        for (int i = 0; i < values.length; i++) {
            int y = i % plane / network.size;
            int x = i % network.size;
            values[i] = wave(i / plane, 224f * x / network.size, 224f * y / network.size);
        }
        return values;
    }

    private static float wave(int plane, float x, float y) {
        double angle = 1.7 * plane;
        return (float) (Math.sin(x * 0.05 * (1 + plane % 5) + angle) + Math.cos(y * 0.04 * (1 + plane % 7) - angle)
                + 0.3 * Math.sin(x * 1.3 + y * 2.1 + angle));
    }

    /** Folder of the F32 model. */
    static Path floats(Network network) throws IOException {
        return made(network.architecture, folder -> {
            try (Arena arena = Arena.ofShared()) {
                SafetensorsWriter.write(folder.resolve("model.safetensors"), GeneratedWeights.of(network, arena), Map.of());
                Files.writeString(folder.resolve("config.json"), "{\"architecture\": \"" + network.architecture + "\"}\n");
                Map<String, Layer> layers = layers(network, SafetensorsFile.open(folder.resolve("model.safetensors"), arena), arena);
                OnnxGraphWriter graph = new OnnxGraphWriter(OPSET);
                String x = graph.input("pictures", OnnxGraphWriter.FLOAT, "batch", 3, network.size, network.size);
                finish(graph, network.build(new OnnxFloatLayers(graph, layers), x), network, folder);
            }
        });
    }

    /** Folder of the int8 model: quantized once, with one set of scales for every engine. */
    static Path int8(Network network) throws IOException {
        Path floats = floats(network);
        return made(network.architecture + "-int8", folder -> {
            Quantizer.quantize(floats, calibration(network, folder), folder,
                    new QuantizeOptions(100, false, false, QuantizeOptions.usualWeightBits(), 1));
            try (Arena arena = Arena.ofShared()) {
                WeightSource source = SafetensorsFile.open(folder.resolve("model.safetensors"), arena);
                OnnxGraphWriter graph = new OnnxGraphWriter(OPSET);
                String x = graph.input("pictures", OnnxGraphWriter.FLOAT, "batch", 3, network.size, network.size);
                finish(graph, OnnxQdqLayers.build(graph, source, network, x), network, folder);
            }
        });
    }

    /**
     * Convolutions and linear layers by their names, batch norms folded.
     *
     * @param arena of the folded weights
     */
    static Map<String, Layer> layers(Network network, WeightSource source, Arena arena) {
        VisionNetwork described = network == Network.TEXTBOOK
                ? TextbookCnn.describe(WeightScope.of(source), TextbookCnnConfig.DEFAULT)
                : ResNet.describe(WeightScope.of(source), ResNetConfig.named(network.architecture));
        Pass fold = new FoldBatchNorm();
        return described.rewrite(graph -> fold.run(graph, Target.ofRows(1), arena)).nodes().stream()
                .filter(node -> node.layer() instanceof Conv || node.layer() instanceof Linear)
                .collect(Collectors.toMap(Node::name, Node::layer));
    }

    private static void finish(OnnxGraphWriter graph, String logits, Network network, Path folder) throws IOException {
        graph.named("logits", "Identity", List.of(logits), Map.of());
        graph.output("logits", OnnxGraphWriter.FLOAT, "batch", network.classes);
        graph.write(folder.resolve("model.onnx"));
    }

    private static List<Path> calibration(Network network, Path folder) throws IOException {
        List<Path> files = new ArrayList<>();
        for (int i = 0; i < CALIBRATION_PICTURES; i++) {
            BufferedImage image = new BufferedImage(256, 256, BufferedImage.TYPE_INT_RGB);
            for (int y = 0; y < 256; y++) {
                for (int x = 0; x < 256; x++) {
                    int rgb = 0;
                    for (int c = 0; c < 3; c++) {
                        rgb = rgb << 8 | (int) Math.clamp(120 + 58 * wave(3 * i + c, x, y), 0, 255);
                    }
                    image.setRGB(x, y, rgb);
                }
            }
            Path file = folder.resolve("calibration" + i + ".png");
            ImageIO.write(image, "png", file.toFile());
            files.add(file);
        }
        return files;
    }

    private interface Maker {
        void make(Path folder) throws IOException;
    }

    /** A folder appears under its name only when it is whole. */
    private static Path made(String name, Maker maker) throws IOException {
        Path work = Path.of(System.getProperty("gatun.bench.work", "bench/target/work"));
        Path folder = work.resolve(name);
        if (!Files.isDirectory(folder)) {
            Files.createDirectories(work);
            Path temporary = Files.createTempDirectory(work, name);
            maker.make(temporary);
            Files.move(temporary, folder);
        }
        return folder;
    }
}
