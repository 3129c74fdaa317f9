package dev.gatun.tensor;

/**
 * Sizes of a recurrent layer.
 *
 * @param cell       what is computed
 * @param inputSize  columns of x
 * @param hidden     units
 * @param projected  columns of a projected state (Sak et al. 2014), LSTM only; 0 for none
 * @param directions how many
 */
public record RecurrentShape(Cell cell, long inputSize, long hidden, long projected, int directions) {
    /** Checks the sizes. */
    public RecurrentShape {
        if (inputSize < 1 || hidden < 1 || projected < 0 || directions < 1 || projected > 0 && cell != Cell.LSTM) {
            throw new IllegalArgumentException("Recurrent: " + cell + " of input " + inputSize + ", hidden " + hidden + ", projected "
                    + projected + ", directions " + directions + ": sizes must be positive, and only an LSTM is projected");
        }
    }

    /** Columns of a direction's state h. */
    public long width() {
        return projected == 0 ? hidden : projected;
    }
}
