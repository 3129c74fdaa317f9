package dev.gatun.models.cnn;

import dev.gatun.models.vision.VisionModel;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.models.weights.WeightScope;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.ConvOp;
import dev.gatun.tensor.op.ConvWeights;
import dev.gatun.tensor.op.FlattenOp;
import dev.gatun.tensor.op.LinearOp;
import dev.gatun.tensor.op.LinearWeights;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.Window;
import java.lang.foreign.Arena;

/**
 * Convolution 3 x 3, ReLU, max-pool 2, the same again, flatten (C, H, W), linear, ReLU, linear. Names as PyTorch's:
 * {@code conv1}, {@code conv2}, {@code fc1}, {@code fc2}. Features: after the ReLU of {@code fc1}.
 */
public final class TextbookCnn implements VisionNetwork {
    private static final Window SAME = Window.square(1, 1);
    /** For single pictures a product of one row, at which OpenBLAS takes four times as long; for 32 it is slower too. */
    private static final LinearWeights.Kernel KERNEL = LinearWeights.Kernel.ONEDNN;

    private final TextbookCnnConfig config;
    private final ConvWeights conv1;
    private final ConvWeights conv2;
    private final LinearWeights fc1;
    private final LinearWeights fc2;

    private TextbookCnn(WeightScope scope, TextbookCnnConfig config, Arena arena) {
        this.config = config;
        this.conv1 = conv(scope.child("conv1"), arena, config.channels1(), config.inputChannels());
        this.conv2 = conv(scope.child("conv2"), arena, config.channels2(), config.channels1());
        this.fc1 = linear(scope.child("fc1"), arena, config.hiddenSize(), config.flatSize());
        this.fc2 = linear(scope.child("fc2"), arena, config.numClasses(), config.hiddenSize());
    }

    private static ConvWeights conv(WeightScope scope, Arena arena, long out, long in) {
        return ConvWeights.of(arena, new ConvWeights.Source(
                scope.tensor("weight", out, in, 3, 3), scope.tensor("bias", out), 1));
    }

    private static LinearWeights linear(WeightScope scope, Arena arena, long out, long in) {
        return LinearWeights.pack(arena, KERNEL,
                new LinearWeights.Source(scope.tensor("weight", out, in), false, scope.tensor("bias", out)));
    }

    /**
     * Packs the weights; nothing of the source is needed afterwards.
     *
     * @throws dev.gatun.models.weights.WeightException if a tensor is missing or has another shape
     */
    public static VisionModel load(WeightScope scope, TextbookCnnConfig config) {
        return VisionModel.load(arena -> new TextbookCnn(scope, config, arena));
    }

    @Override
    public Value trunk(PlanBuilder plan, Value pictures) {
        Value x = plan.add(new ConvOp(conv1, SAME, Activation.RELU), pictures);
        x = plan.add(PoolOp.max(2), x);
        x = plan.add(new ConvOp(conv2, SAME, Activation.RELU), x);
        x = plan.add(PoolOp.max(2), x);
        return plan.add(new FlattenOp(), x);
    }

    @Override
    public Head head(PlanBuilder plan, Value rows) {
        Value features = plan.add(new LinearOp(fc1, Activation.RELU), rows);
        return new Head(features, plan.add(new LinearOp(fc2, Activation.NONE), features));
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
        return conv1.nativeByteSize() + conv2.nativeByteSize() + fc1.nativeByteSize() + fc2.nativeByteSize();
    }
}
