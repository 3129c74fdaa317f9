package dev.gatun.models.onnx;

import java.util.List;
import java.util.function.DoubleUnaryOperator;

/** RNN, GRU, LSTM. The products with the inputs are one product for all steps. */
final class RecurrentOps {
    private RecurrentOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "RNN" -> Operators.many(c -> run(c, 1, "Tanh"));
            case "GRU" -> Operators.many(c -> run(c, 3, "Sigmoid", "Tanh"));
            case "LSTM" -> Operators.many(c -> run(c, 4, "Sigmoid", "Tanh", "Tanh"));
            default -> null;
        };
    }

    /** One direction of a layer. All arrays are row-major; gates follow each other in ONNX's order. */
    private static final class Cell {
        private int hidden;
        private double[] recurrent;
        private double[] bias;
        private double[] recurrentBias;
        private double[] peephole;
        private DoubleUnaryOperator[] f;
        private boolean linearBeforeReset;
        private boolean inputForget;

        /** One step of one sequence: {@code x} has the products with the inputs from {@code at} on. */
        void step(double[] x, int at, double[] h, double[] cell, int gates) {
            double[] g = new double[gates * hidden];
            double[] next = new double[hidden];
            for (int i = 0; i < g.length; i++) {
                boolean candidate = gates == 3 && i >= 2 * hidden;
                g[i] = x[at + i] + bias[i] + (candidate ? 0 : recurrentBias[i] + dot(i, h));
            }
            switch (gates) {
                case 1 -> {
                    for (int i = 0; i < hidden; i++) {
                        next[i] = f[0].applyAsDouble(g[i]);
                    }
                }
                case 3 -> gru(g, h, next);
                default -> lstm(g, cell, next);
            }
            System.arraycopy(next, 0, h, 0, hidden);
        }

        private double dot(int row, double[] h) {
            double sum = 0;
            for (int k = 0; k < hidden; k++) {
                sum += recurrent[row * hidden + k] * h[k];
            }
            return sum;
        }

        private void gru(double[] g, double[] h, double[] next) {
            double[] reset = new double[hidden];
            for (int i = 0; i < hidden; i++) {
                reset[i] = f[0].applyAsDouble(g[hidden + i]) * (linearBeforeReset ? 1 : h[i]);
            }
            for (int i = 0; i < hidden; i++) {
                int row = 2 * hidden + i;
                double back = linearBeforeReset ? reset[i] * (dot(row, h) + recurrentBias[row]) : dot(row, reset) + recurrentBias[row];
                double z = f[0].applyAsDouble(g[i]);
                next[i] = (1 - z) * f[1].applyAsDouble(g[row] + back) + z * h[i];
            }
        }

        private void lstm(double[] g, double[] cell, double[] next) {
            for (int i = 0; i < hidden; i++) {
                double in = f[0].applyAsDouble(g[i] + peephole[i] * cell[i]);
                double forget = inputForget ? 1 - in : f[0].applyAsDouble(g[2 * hidden + i] + peephole[2 * hidden + i] * cell[i]);
                double now = forget * cell[i] + in * f[1].applyAsDouble(g[3 * hidden + i]);
                double out = f[0].applyAsDouble(g[hidden + i] + peephole[hidden + i] * now);
                cell[i] = now;
                next[i] = out * f[2].applyAsDouble(now);
            }
        }
    }

    private static double[] part(OnnxTensor x, long row, int count, int from) {
        double[] values = new double[count];
        for (int i = 0; i < count && x != null; i++) {
            values[i] = x.real(row * (x.size() / Math.max(1, x.dim(0))) + from + i);
        }
        return values;
    }

    private static OnnxValue[] run(Call c, int gates, String... defaults) {
        boolean batchFirst = c.flag("layout");
        OnnxTensor x = batchFirst ? MoveOps.transpose(c, c.in(0), 1, 0, 2) : c.in(0);
        OnnxTensor w = c.in(1);
        OnnxTensor r = c.in(2);
        OnnxTensor b = c.opt(3);
        String direction = c.s("direction", "forward");
        int directions = direction.equals("bidirectional") ? 2 : 1;
        c.require(x.rank() == 3 && w.rank() == 3 && r.rank() == 3 && w.dim(0) == directions && r.dim(0) == directions,
                "weights do not fit the direction");
        int hidden = Math.toIntExact(r.dim(2));
        c.require(w.dim(1) == (long) gates * hidden && r.dim(1) == w.dim(1) && w.dim(2) == x.dim(2)
                && (b == null || b.dim(1) == 2L * gates * hidden),
                "weights do not fit the operand or each other");
        int length = Math.toIntExact(x.dim(0));
        int batch = Math.toIntExact(x.dim(1));
        OnnxTensor y = c.zeros(x.type(), length, directions, batch, hidden);
        OnnxTensor lastH = c.make(x.type(), directions, batch, hidden);
        OnnxTensor lastC = c.make(x.type(), directions, batch, hidden);
        OnnxTensor h0 = turned(c, c.opt(5), batchFirst);
        OnnxTensor c0 = gates == 4 ? turned(c, c.opt(6), batchFirst) : null;
        for (int d = 0; d < directions; d++) {
            Cell cell = cell(c, gates, d, hidden, defaults);
            OnnxTensor rows = x.view((long) length * batch, x.dim(2));
            OnnxTensor weights = w.rows(d, 1).view(w.dim(1), w.dim(2));
            OnnxTensor product = x.type() == OnnxType.FLOAT && rows.size() * w.dim(1) >= ProductOps.SMALL && c.natives().ready()
                    ? ProductOps.linear(c.with(x, w, c.value(2), c.ofLongs(new long[] {d})), rows, weights, 1, null, true, rows.dim(0),
                            w.dim(1))
                    : ProductOps.matMul(c, rows, MoveOps.transpose(c, weights, 1, 0), 1);
            double[] inputs = ConvOps.doubles(product);
            boolean backward = direction.equals("reverse") || d == 1;
            for (int n = 0; n < batch; n++) {
                int steps = c.has(4) ? Math.toIntExact(c.in(4).whole(n)) : length;
                c.require(steps >= 0 && steps <= length, "a sequence is longer than the operand");
                double[] h = h0 == null ? new double[hidden] : part(h0, d, hidden, n * hidden);
                double[] state = c0 == null ? new double[hidden] : part(c0, d, hidden, n * hidden);
                for (int t = 0; t < steps; t++) {
                    int at = backward ? steps - 1 - t : t;
                    cell.step(inputs, (at * batch + n) * gates * hidden, h, state, gates);
                    for (int i = 0; i < hidden; i++) {
                        y.put((((long) at * directions + d) * batch + n) * hidden + i, h[i]);
                    }
                }
                for (int i = 0; i < hidden; i++) {
                    lastH.put(((long) d * batch + n) * hidden + i, h[i]);
                    lastC.put(((long) d * batch + n) * hidden + i, state[i]);
                }
            }
        }
        return new OnnxValue[] {batchFirst ? MoveOps.transpose(c, y, 2, 0, 1, 3) : y, turned(c, lastH, batchFirst), gates == 4
                ? turned(c, lastC, batchFirst) : null};
    }

    private static OnnxTensor turned(Call c, OnnxTensor x, boolean batchFirst) {
        return batchFirst && x != null ? MoveOps.transpose(c, x, 1, 0, 2) : x;
    }

    private static Cell cell(Call c, int gates, int direction, int hidden, String... defaults) {
        Cell cell = new Cell();
        int n = gates * hidden;
        cell.hidden = hidden;
        cell.recurrent = part(c.in(2), direction, n * hidden, 0);
        cell.bias = part(c.opt(3), direction, n, 0);
        cell.recurrentBias = part(c.opt(3), direction, n, n);
        cell.peephole = part(gates == 4 ? c.opt(7) : null, direction, 3 * hidden, 0);
        cell.linearBeforeReset = c.flag("linear_before_reset");
        cell.inputForget = c.flag("input_forget");
        List<?> names = c.list("activations");
        float[] alphas = c.floats("activation_alpha");
        float[] betas = c.floats("activation_beta");
        cell.f = new DoubleUnaryOperator[defaults.length];
        double clip = c.f("clip", 0);
        for (int i = 0; i < defaults.length; i++) {
            int at = direction * defaults.length + i;
            DoubleUnaryOperator f = ActivationOps.named(names != null && at < names.size() ? (String) names.get(at) : defaults[i],
                    alphas != null && at < alphas.length ? alphas[at] : Double.NaN, betas != null && at < betas.length ? betas[at]
                            : Double.NaN);
            cell.f[i] = clip > 0 ? v -> f.applyAsDouble(Math.max(-clip, Math.min(clip, v))) : f;
        }
        return cell;
    }
}
