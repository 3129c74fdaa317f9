package dev.gatun.models.family.cnn;

import dev.gatun.models.vision.FloatLayers;
import dev.gatun.models.vision.LayerBuilder;
import dev.gatun.models.vision.LayerWeights;
import dev.gatun.models.vision.NamedLayers;
import dev.gatun.models.vision.VisionModel;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.ConvWeights;
import dev.gatun.tensor.op.FlattenOp;
import dev.gatun.tensor.op.LinearWeights;
import dev.gatun.tensor.op.Window;

/**
 * Convolution 3 x 3, ReLU, max-pool 2, the same again, flatten (C, H, W), linear, ReLU, linear. Names as PyTorch's:
 * {@code conv1}, {@code conv2}, {@code fc1}, {@code fc2}. Features: after the ReLU of {@code fc1}.
 */
public final class TextbookCnn implements VisionNetwork {
    private static final Window SAME = Window.square(1, 1);

    private final TextbookCnnConfig config;
    private final LayerWeights weights;

    /** The network over weights in some arithmetic. */
    public TextbookCnn(TextbookCnnConfig config, LayerWeights weights) {
        this.config = config;
        this.weights = weights;
    }

    /**
     * Packs the weights; nothing of the source is needed afterwards.
     *
     * @throws dev.gatun.models.checkpoint.WeightException if a tensor is missing or has another shape
     */
    public static VisionModel load(WeightScope scope, TextbookCnnConfig config) {
        NamedLayers layers = layers(scope, config);
        return VisionModel.load(arena -> new TextbookCnn(config, new FloatLayers(layers, arena)));
    }

    /** Finds the layers below a scope. */
    public static NamedLayers layers(WeightScope scope, TextbookCnnConfig config) {
        NamedLayers layers = new NamedLayers();
        layers.convs().put("conv1", conv(scope.child("conv1"), config.channels1(), config.inputChannels()));
        layers.convs().put("conv2", conv(scope.child("conv2"), config.channels2(), config.channels1()));
        layers.linears().put("fc1", linear(scope.child("fc1"), config.hiddenSize(), config.flatSize()));
        layers.linears().put("fc2", linear(scope.child("fc2"), config.numClasses(), config.hiddenSize()));
        return layers;
    }

    private static ConvWeights.Source conv(WeightScope scope, long out, long in) {
        return new ConvWeights.Source(scope.tensor("weight", out, in, 3, 3), scope.tensor("bias", out), 1);
    }

    private static LinearWeights.Source linear(WeightScope scope, long out, long in) {
        return new LinearWeights.Source(scope.tensor("weight", out, in), false, scope.tensor("bias", out));
    }

    @Override
    public Value trunk(PlanBuilder plan, Value pictures) {
        LayerBuilder layers = weights.on(plan);
        Value x = layers.convPool("conv1", pictures, SAME, Activation.RELU);
        x = layers.convPool("conv2", x, SAME, Activation.RELU);
        return plan.add(new FlattenOp(), layers.plain(x));
    }

    @Override
    public Head head(PlanBuilder plan, Value rows) {
        LayerBuilder layers = weights.on(plan);
        Value features = layers.linear("fc1", rows, Activation.RELU);
        return new Head(features, layers.linear("fc2", features, Activation.NONE));
    }

    @Override
    public String name() {
        return "textbook-cnn";
    }

    @Override
    public int channels() {
        return config.inputChannels();
    }

    @Override
    public InputSize inputSize() {
        return new InputSize(config.inputHeight(), config.inputWidth());
    }

    @Override
    public void checkInput(InputSize size) {
        if (!size.equals(inputSize())) {
            throw new IllegalArgumentException("textbook-cnn: input [N, " + channels() + ", " + size.height() + ", " + size.width()
                    + "], expected [N, " + channels() + ", " + config.inputHeight() + ", " + config.inputWidth() + "]");
        }
    }

    @Override
    public int trunkSize() {
        return config.flatSize();
    }

    @Override
    public int featureCount() {
        return config.hiddenSize();
    }

    @Override
    public int classCount() {
        return config.numClasses();
    }

    @Override
    public long nativeByteSize() {
        return weights.nativeByteSize();
    }
}
