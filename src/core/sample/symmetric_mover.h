// Moves that keep a symmetry: images of the bodies of one copy follow it.
#ifndef EMGMM_SAMPLE_SYMMETRIC_MOVER_H
#define EMGMM_SAMPLE_SYMMETRIC_MOVER_H

#include <memory>
#include <vector>

#include "sample/body_images.h"
#include "sample/movers.h"

namespace emcore {

// Another mover's moves, with the images where they then belong. Only sources are free; images
// are functions of them, so that the other mover's balance is kept.
class SymmetricMover : public Mover {
 public:
  // Takes those of `images` whose source the mover moves. Throws std::domain_error where it moves
  // an image itself, or one image has two sources.
  SymmetricMover(std::shared_ptr<const Mover> mover, const std::vector<BodyImage> &images);

  double propose(const MoverState &state, double scale, Random &random, Move *move) const override;
  const std::vector<std::size_t> &bodies() const override { return bodies_; }

 private:
  std::shared_ptr<const Mover> mover_;
  std::vector<BodyImage> images_;
  std::vector<std::size_t> bodies_;
};

}  // namespace emcore

#endif
