package dev.gatun.models.onnx;

import java.util.Arrays;

/** Losses, which exported graphs sometimes end with. */
final class LossOps {
    private LossOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "NegativeLogLikelihoodLoss" -> Operators.one(c -> loss(c, c.in(0), c.in(1), c.opt(2)));
            case "SoftmaxCrossEntropyLoss" -> Operators.many(c -> {
                OnnxTensor x = c.in(0);
                OnnxTensor logs = c.like(x);
                long inner = Call.product(x.dims(), 2, x.rank());
                for (long i = 0; i < x.dim(0) * inner; i++) {
                    SoftmaxOps.row(c.elements(), x, logs, i / inner * x.dim(1) * inner + i % inner, x.dim(1), inner, true);
                }
                return new OnnxValue[] {loss(c, logs, c.in(1), c.opt(2)), logs};
            });
            default -> null;
        };
    }

    /** logs [N, C, ...], targets [N, ...]. */
    private static OnnxTensor loss(Call c, OnnxTensor logs, OnnxTensor targets, OnnxTensor weights) {
        long classes = logs.dim(1);
        long inner = Call.product(logs.dims(), 2, logs.rank());
        boolean ignores = c.hasAttribute("ignore_index");
        long ignored = c.i("ignore_index", 0);
        String reduction = c.s("reduction", "mean");
        long[] dims = Arrays.copyOf(targets.dims(), targets.rank());
        c.require(targets.size() == logs.dim(0) * inner, "targets do not fit");
        OnnxTensor each = c.make(logs.type(), dims);
        double sum = 0;
        double total = 0;
        for (long i = 0; i < targets.size(); i++) {
            long target = targets.whole(i);
            boolean skip = ignores && target == ignored;
            long k = skip ? 0 : GatherOps.index(target, classes);
            double weight = skip ? 0 : weights == null ? 1 : weights.real(k);
            double value = skip ? 0 : -logs.real((i / inner * classes + k) * inner + i % inner) * weight;
            each.put(i, value);
            sum += value;
            total += weight;
        }
        return switch (reduction) {
            case "none" -> each;
            case "sum" -> c.scalar(logs.type(), sum);
            default -> c.scalar(logs.type(), sum / total);
        };
    }
}
