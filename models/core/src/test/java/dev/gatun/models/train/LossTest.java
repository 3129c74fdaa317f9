package dev.gatun.models.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.train.Loss.Reduction;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What training makes small, and at which rate, against PyTorch ({@code oracle/train/training.py}). */
class LossTest {
    @Test
    void ratesArePyTorchs() {
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile golden = Goldens.open(arena, "train/layers.safetensors");
            Map.of("step", Schedule.steps(7, 0.5), "cosine", Schedule.cosine(29), "warm-up", Schedule.warmUp(6, Schedule.CONSTANT),
                    "warm-up before cosine", Schedule.warmUp(6, Schedule.cosine(23)),
                    "warm-up before step", Schedule.warmUp(4, Schedule.steps(5, 0.3))).forEach((name, schedule) -> {
                        double[] expected = golden.entry("schedule " + name).bytes().toArray(ValueLayout.JAVA_DOUBLE_UNALIGNED);
                        assertEquals(30, expected.length);
                        for (int step = 0; step < 30; step++) {
                            assertEquals(expected[step], schedule.factor(step), 1e-12, name + " at " + step);
                        }
                    });
        }
    }

    @Test
    void lossesWithAllTheirOptionsArePyTorchs() {
        try (Arena arena = Arena.ofShared()) {
            SafetensorsFile golden = Goldens.open(arena, "train/layers.safetensors");
            Tensor x = Tensor.ofFloats(arena, TrainerTest.values("loss x", 3, 24), 6, 4);
            Tensor labels = Tensor.ofInts(arena, new int[] {3, 0, -1, 2, 1, 0}, 6);
            for (Reduction reduction : Reduction.values()) {
                String name = "loss " + reduction.name().toLowerCase(Locale.ROOT);
                for (String smoothing : List.of("0", "0.2")) {
                    double share = Double.parseDouble(smoothing);
                    check(golden, name + " " + smoothing + " plain", new Loss.CrossEntropy(reduction, share, -1,
                            null), x, labels);
                    check(golden, name + " " + smoothing + " weighted", new Loss.CrossEntropy(reduction, share, -1,
                            new float[] {1, 0.5f, 2, 0.25f}), x, labels);
                }
                check(golden, name.replace("loss", "loss mse"), new Loss.MeanSquared(reduction), x, Tensor.ofFloats(arena,
                        TrainerTest.values("loss t", 1, 24), 6, 4));
            }
        }
    }

    @Test
    void lossesRefuseWhatDoesNotFitAndCountNothing() {
        try (Arena arena = Arena.ofConfined()) {
            Tensor x = Tensor.ofFloats(arena, TrainerTest.values("loss x", 3, 24), 6, 4);
            Tensor gradient = Tensor.allocate(arena, x.desc());
            Tensor ignored = Tensor.ofInts(arena, new int[] {-1, -1, -1, -1, -1, -1}, 6);
            // As PyTorch: the mean of nothing is no number, its sum 0.
            assertTrue(Double.isNaN(new Loss.CrossEntropy(Reduction.MEAN, 0, -1, null).compute(x, ignored, gradient)));
            assertEquals(0, new Loss.CrossEntropy(Reduction.SUM, 0, -1, null).compute(x, ignored, gradient));
            assertArrayEquals(new float[24], gradient.toFloats());
            Tensor small = Tensor.allocate(arena, TensorDesc.of(DataType.F32, 6, 3));
            Tensor readOnly = Tensor.of(x.desc(), gradient.segment().asReadOnly());
            for (Loss loss : List.of(new Loss.CrossEntropy(Reduction.SUM, 0, -1, null), new Loss.MeanSquared(Reduction.SUM))) {
                Tensor targets = loss instanceof Loss.MeanSquared ? x : ignored;
                assertThrows(ShapeException.class, () -> loss.compute(x, targets, small));
                assertThrows(ShapeException.class, () -> loss.compute(x, targets, readOnly));
                assertThrows(ShapeException.class, () -> loss.compute(x, small, gradient));
            }
        }
    }

    private static void check(SafetensorsFile golden, String name, Loss loss, Tensor x, Tensor targets) {
        try (Arena arena = Arena.ofConfined()) {
            Tensor gradient = Tensor.allocate(arena, x.desc());
            double expected = Goldens.floats(golden, name)[0];
            assertEquals(expected, loss.compute(x, targets, gradient), 1e-5 * Math.abs(expected), name);
            TrainerTest.close(Goldens.floats(golden, name + "/dx"), gradient, name);
        }
    }
}
