package dev.gatun.models.onnx;

/** Products of bytes into INT32 natively, for sizes that are worth it. */
final class IntegerProduct {
    private IntegerProduct() {
    }

    /** y, or null if this is not for it. */
    static OnnxTensor run(Call c, OnnxTensor a, OnnxTensor b, OnnxTensor aZero, OnnxTensor bZero, OnnxTensor y) {
        return null;
    }
}
