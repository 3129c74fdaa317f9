package dev.gatun.models.encode;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Activation;

/**
 * Where a checkpoint's head is, and what families' heads have in common.
 *
 * @param checkpoint its config
 * @param source     its weights
 * @param encoder    what the head follows
 */
public record HeadNames(Checkpoint checkpoint, WeightSource source, TextEncoder encoder) {

    /** The top, where heads are. */
    public WeightScope top() {
        return WeightScope.of(source);
    }

    /** Where the encoder is, which has a pooler in some families. */
    public WeightScope base() {
        return WeightScope.locate(source, BertNames.FIRST);
    }

    /** Config fields. */
    public ConfigFields config() {
        return checkpoint.fields();
    }

    private EncoderSpec spec() {
        return encoder.spec();
    }

    /** The class scores that follow what comes before. */
    public HeadLayers classes(HeadLayers before, WeightScope scope, String name) {
        return before.dense(scope.part(name, spec().hiddenSize(), ClassLabels.of(checkpoint).names().size()));
    }

    /** The first token's row, a dense layer with an activation, and class scores. */
    public HeadLayers classifier(Linear.Part dense, Activation activation, WeightScope scope, String name) {
        return classes(HeadLayers.first().dense(dense).activate(activation), scope, name);
    }

    /** A dense layer of the hidden size. */
    public Linear.Part square(WeightScope scope, String name) {
        return scope.part(name, spec().hiddenSize(), spec().hiddenSize());
    }

    /** BERT's classifier of texts: its pooler and {@code classifier}. */
    public HeadLayers pooled() {
        return classifier(square(base().child("pooler"), "dense"), Activation.TANH, top(), "classifier");
    }

    /** RoBERTa's classifier of texts, which several families took: {@code classifier.dense} and {@code classifier.out_proj}. */
    public HeadLayers denseOutProj(Activation activation) {
        WeightScope scope = top().child("classifier");
        return classifier(square(scope, "dense"), activation, scope, "out_proj");
    }

    /** RoBERTa's masked language model, which MPNet took: {@code lm_head}. */
    public HeadLayers lmHead() {
        WeightScope head = top().child("lm_head");
        return masked(spec().hiddenSize(), square(head, "dense"), Activation.GELU_ERF, head.child("layer_norm"), head.child("decoder"),
                head);
    }

    /** {@code classifier} of every token. */
    public HeadLayers tokenClassifier() {
        return classes(HeadLayers.tokens(), top(), "classifier");
    }

    /** {@code qa_outputs} of every token. */
    public HeadLayers spans() {
        return HeadLayers.tokens().dense(top().part("qa_outputs", spec().hiddenSize(), 2));
    }

    /**
     * A masked language model: a dense layer, its activation and norm, and the product with the word embeddings, or with a decoder of its
     * own where {@code tie_word_embeddings} is false.
     *
     * @param size    of the embeddings, which the dense layer leads back to
     * @param dense   the scope and name of the dense layer
     * @param norm    where its norm is
     * @param decoder where {@code weight} and perhaps {@code bias} are
     * @param bias    where {@code bias} is, or is if the decoder has none
     */
    public HeadLayers masked(int size, Linear.Part dense, Activation activation, WeightScope norm, WeightScope decoder, WeightScope bias) {
        int vocab = spec().vocabSize();
        boolean tied = config().flag("tie_word_embeddings", true);
        Weight weight = tied ? encoder.weights().words() : decoder.weight("weight", vocab, size);
        // Files hold both names of the bias; without tying they are two, of which only the decoder's counts.
        Weight shift = (tied ? bias : decoder).optional("bias", vocab);
        shift = shift == null ? (tied ? decoder : bias).optional("bias", vocab) : shift;
        if (shift == null) {
            throw new WeightException(checkpoint.origin(), "has no head that fills masks: no tensor " + bias + ".bias");
        }
        return HeadLayers.tokens().dense(dense).activate(activation)
                .norm(new LayerNorm(norm.weight("weight", size), norm.weight("bias", size), spec().normEps()))
                .dense(new Linear.Part(weight, false, shift));
    }
}
