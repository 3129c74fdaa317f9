package dev.gatun.models.generate;

import dev.gatun.models.runtime.PackedSequences;
import dev.gatun.models.runtime.Program;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.Plan;
import dev.gatun.tensor.op.KvLayout;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * What a search needs of an encoder-decoder model: two kinds of plans over a cache of keys and values, and the numbers of its tokens.
 * Implementations are thread-safe and compile each plan once.
 */
public interface GenerativeModel {
    /** Encoder input: S32 [tokens], source ids, sequences end to end; rows past the last hold any valid id. */
    String SOURCE_IDS = "source_ids";
    /** Encoder input: S32 [tokens], position of each token in its sequence. */
    String SOURCE_POSITIONS = "source_positions";
    /** Encoder input: S32 [2 + maxSequences], how many sequences, then their offsets in tokens. */
    String SOURCE_SEQUENCES = "source_sequences";
    /**
     * Encoder state, which sessions fill: U8 [8 * maxSequences], for each source the address of the block table that takes its keys and
     * values.
     */
    String SOURCE_TABLES = "source_tables";
    /** Encoder output: F32 [tokens, dModel]. */
    String MEMORY = "memory";
    /** Step input: S32 [rows], the last token of each sequence; behind them those of prompts that are read at once. */
    String STEP_IDS = "step_ids";
    /** Step input: S32 [rows], its position. */
    String STEP_POSITIONS = "step_positions";
    /** Step input: S32 [rows], tokens of the sequence up to this one; 0 for a row that is not in use. */
    String STEP_LENGTHS = "step_lengths";
    /** Step state, which sessions fill: U8 [rows, 8], address of the sequence's block table. */
    String STEP_TABLES = "step_tables";
    /** Step input: S32 [rows], tokens of the row's source; 0 for a row that is not in use. */
    String STEP_SOURCE_LENGTHS = "step_source_lengths";
    /** Step state, which sessions fill: U8 [rows, 8], address of the source's block table. */
    String STEP_SOURCE_TABLES = "step_source_tables";
    /** Step output: F32 [rows, vocabSize], scores of the next token. */
    String LOGITS = "logits";

    /**
     * Numbers that every sequence keeps to.
     *
     * @param vocabSize    ids of targets run from 0 to vocabSize - 1
     * @param maxPositions longest target with its start token, and longest source of tokens
     * @param pad          fills batches elsewhere; here it may not occur in a source; -1: there is none that may not
     * @param bos          beginning of a sequence
     * @param eos          end of a sequence
     * @param decoderStart first token of every target
     */
    record Tokens(int vocabSize, int maxPositions, int pad, int bos, int eos, int decoderStart) {
        /** Checks the numbers. */
        public Tokens {
            if (vocabSize < 1 || maxPositions < 1) {
                throw new IllegalArgumentException("vocab_size " + vocabSize + " and max_positions " + maxPositions + " must be positive");
            }
            if (pad != -1) {
                requireId("pad_token_id", pad, vocabSize);
            }
            requireId("bos_token_id", bos, vocabSize);
            requireId("eos_token_id", eos, vocabSize);
            requireId("decoder_start_token_id", decoderStart, vocabSize);
        }

        /** Tokens that end a sequence where options name none. */
        int[] eosIds() {
            return new int[] {eos};
        }

        private static void requireId(String name, int id, int vocabSize) {
            if (id < 0 || id >= vocabSize) {
                throw new IllegalArgumentException(name + " is " + id + ", the vocabulary has 0 to " + (vocabSize - 1));
            }
        }
    }

    /** Numbers of the vocabulary. */
    Tokens tokens();

    /** Ids of sources run from 0 to this, exclusive. */
    default int sourceVocabSize() {
        return tokens().vocabSize();
    }

    /** Positions of the longest source. */
    default int sourcePositions() {
        return tokens().maxPositions();
    }

    /** How keys and values lie in the cache, those of the sources included. */
    KvLayout cacheLayout();

    /** Source tokens that are encoded together, unless one source alone is longer. */
    int chunkTokens();

    /** The program that the plans are of. */
    Program program();

    /** The plan that encodes so many source tokens, or a few more. */
    Plan encoder(int tokens, int threads);

    /** The plan that reads so many tokens, or a few more, of any sequences. */
    Plan step(int rows, int threads);

    /** How sources are laid out: which row of positions each token has. */
    default PackedSequences packing() {
        return new PackedSequences(sourceVocabSize(), 0, tokens().maxPositions(), 0, -1);
    }

    /** The row of positions of a target's token, {@code at} tokens after its first. */
    default int position(int token, int at) {
        return at;
    }

    /**
     * Writes sources into the inputs of an encoder's plan whose {@link #SOURCE_SEQUENCES} are filled; here ids and positions.
     *
     * @param sources as many as there are sequences, end to end
     */
    default void fill(BoundPlan plan, List<? extends Source> sources) {
        PackedSequences packed = packing();
        MemorySegment ids = plan.input(SOURCE_IDS).segment();
        packed.ids(sources.stream().map(Source::ids).toList(), ids);
        packed.positions(plan.input(SOURCE_SEQUENCES).segment(), ids, plan.input(SOURCE_POSITIONS).segment());
    }
}
