// Hamiltonian Monte Carlo (Duane et al. 1987): all bodies move together along the slope of the
// score.
#ifndef EMGMM_SAMPLE_HAMILTONIAN_H
#define EMGMM_SAMPLE_HAMILTONIAN_H

#include <string>
#include <vector>

#include "sample/body_images.h"
#include "sample/minimize.h"
#include "sample/movers.h"

namespace emcore {

// Of one body, standard deviation 1 in each of the six directions at equilibrium: a mass of 1 and,
// whatever its shape, the moment of inertia radius² about every axis. A free body then turns at a
// constant rate, so that each step of the leapfrog map is solved exactly.
struct BodyMomentum {
  Vec3 linear, angular;
};

// `steps` steps of velocity Verlet: kick by half a step, move and turn by exp(step omega), kick.
// Every part keeps volumes in (position, orientation, momenta), and with the momenta reversed the
// way leads back. `energy` in units of kT; radii as in minimize_poses: Å, 0 for a body that does
// not turn, negative for one that stays. step: Å that a body moves at momentum 1.
// False where a slope was not finite: poses and momenta are of no use then.
bool leapfrog(const PoseFunction &energy, const std::vector<double> &radii, double step, int steps,
              std::vector<Pose> *poses, std::vector<BodyMomentum> *momenta);

// Sum of the squared momenta halved, kT.
double kinetic_energy(const std::vector<BodyMomentum> &momenta);

// New momenta, leapfrog on the weighted sum of all terms at the replica's temperature and with
// their parameters as they are, acceptance by the change of score plus kinetic energy. Step sizes
// vary by a fifth from move to move: no oscillation stays in phase with them.
class HamiltonianMover : public Mover {
 public:
  // radii: of all bodies of the system; images follow their sources and need a negative one.
  // Throws std::domain_error for nothing that moves, or a step or number that is not positive.
  HamiltonianMover(std::string name, std::vector<double> radii, double step, int steps,
                   std::vector<BodyImage> images = {});

  double propose(const MoverState &state, double scale, Random &random, Move *move) const override;
  const std::vector<std::size_t> &bodies() const override { return bodies_; }
  // The best for many dimensions (Beskos et al. 2013).
  double wanted_acceptance() const override { return 0.65; }

 private:
  std::vector<double> radii_;
  double step_;
  int steps_;
  std::vector<BodyImage> images_;
  std::vector<std::size_t> bodies_;
};

}  // namespace emcore

#endif
