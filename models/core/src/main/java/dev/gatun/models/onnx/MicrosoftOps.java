package dev.gatun.models.onnx;

/** Operators of com.microsoft that popular files contain. */
final class MicrosoftOps {
    private MicrosoftOps() {
    }

    static void register() {
    }
}
