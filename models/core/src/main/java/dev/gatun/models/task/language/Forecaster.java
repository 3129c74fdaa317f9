package dev.gatun.models.task.language;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.Uses;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.family.recurrent.SequenceConfig;
import dev.gatun.models.family.recurrent.SequenceNetwork;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Series of numbers to what follows them, by recurrent layers and a linear layer on their last state. Thread-safe; owns its weights. */
public final class Forecaster implements AutoCloseable {
    private final SequenceNetwork network;
    private final int threads;

    private Forecaster(SequenceNetwork network, int threads) {
        this.network = network;
        this.threads = threads;
    }

    /**
     * A model of a folder: {@code config.json}, whose architecture is rnn-forecaster, and {@code model.safetensors}.
     *
     * @throws WeightException if a file is missing, damaged or contradicts the other
     */
    public static Forecaster load(Path folder, int threads) {
        return load(folder, threads, Precision.F32);
    }

    /** The same with weights of another precision. */
    public static Forecaster load(Path folder, int threads, Precision precision) {
        Checkpoint checkpoint = Checkpoint.open(folder);
        SequenceConfig config = SequenceConfig.of(checkpoint.fields());
        if (config.tagger()) {
            throw new WeightException(checkpoint.configFile(), "architecture is rnn-tagger, expected rnn-forecaster"
                    + Uses.hint(checkpoint.architectures()));
        }
        try (Arena files = Arena.ofShared()) {
            return new Forecaster(SequenceNetwork.load(checkpoint.source(files), config, precision), threads);
        }
    }

    /**
     * What follows each series.
     *
     * @param series steps of {@code ninp} numbers each, of any length from 1 on
     * @return {@code nout} numbers for each series
     * @throws IllegalArgumentException if a series has no steps, or a step another number of values, or one that is not finite
     */
    public float[][] forecast(List<float[][]> series) {
        int columns = inputSize();
        int[] lengths = series.stream().mapToInt(one -> one.length).toArray();
        try (Arena arena = Arena.ofConfined()) {
            Tensor input = Tensor.allocate(arena, TensorDesc.of(DataType.F32, IntStream.of(lengths)
                    .asLongStream().sum(), columns));
            long at = 0;
            for (int i = 0; i < lengths.length; i++) {
                for (float[] step : series.get(i)) {
                    if (step.length != columns) {
                        throw new IllegalArgumentException("series " + i + " has a step of " + step.length + " values, expected "
                                + columns);
                    }
                    for (float value : step) {
                        if (!Float.isFinite(value)) {
                            throw new IllegalArgumentException("series " + i + " has a value " + value + ", expected finite numbers");
                        }
                        input.setFloat(at++, value);
                    }
                }
            }
            float[] all = network.run(arena, input, lengths, threads).toFloats();
            float[][] next = new float[lengths.length][];
            for (int i = 0; i < next.length; i++) {
                next[i] = Arrays.copyOfRange(all, i * network.config().outputs(), (i + 1) * network.config().outputs());
            }
            return next;
        }
    }

    /** Numbers of a step. */
    public int inputSize() {
        return network.config().inputSize();
    }

    /** Frees the weights. Closing twice is harmless. */
    @Override
    public void close() {
        network.close();
    }
}
