/**
 *  \file restraint_cache.h
 *  \brief What GaussianMixtureRestraint remembers of the poses that it scored.
 */

#ifndef IMPEMGMM_SRC_RESTRAINT_CACHE_H
#define IMPEMGMM_SRC_RESTRAINT_CACHE_H

#include <IMP/emgmm/GaussianMixtureRestraint.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "particles.h"
#include "score/moved_score.h"

IMPEMGMM_BEGIN_NAMESPACE

struct GaussianMixtureRestraint::Cache {
  particles::Bodies data, model;
  double model_blur;  // Å², added to the variances of the model
  // The frame in which the score lives: that of the one body that carries all data Gaussians, so
  // that moving this body recomputes no ov_DD; else the global one.
  bool has_data_body;
  emcore::Pose frame;
  std::vector<emcore::Pose> poses;  // of the model's bodies in that frame
  std::shared_ptr<const emcore::MixtureScore> score;
  std::unique_ptr<emcore::MovedScore> moved;
  // Bodies of the proposal that `moved` holds, and their poses; empty when nothing is pending.
  std::vector<std::size_t> proposed;
  std::vector<emcore::Pose> proposed_poses;
  std::vector<std::size_t> changed;  // bodies whose poses were read anew since then
  double score_now = 0;  // of the proposal, or the committed one where nothing is pending

  Cache(Model *m, const ParticleIndexes &model_ps, const ParticleIndexes &data_ps, double blur)
      : data(m, data_ps),
        model(m, model_ps),
        model_blur(blur),
        has_data_body(data.carriers.size() == 1 && data.members[0].size() == data_ps.size() &&
                      data.members[0][0] != data.carriers[0]) {}

  void build_score(const emcore::ScoreOptions &options) {
    std::size_t n = 0;
    for (const ParticleIndexes &members : data.members) n += members.size();
    emcore::Mixture mixture(n);  // in the order given, which is that of the noise model's sigmas
    for (std::size_t b = 0; b < data.carriers.size(); ++b) {
      const emcore::Mixture part = has_data_body
                                       ? data.local_mixture(b)
                                       : emcore::moved(data.local_mixture(b), data.poses[b]);
      for (std::size_t i = 0; i < part.size(); ++i) mixture[data.positions[b][i]] = part[i];
    }
    score = std::make_shared<emcore::MixtureScore>(mixture, options);
  }

  emcore::Mixture model_body(std::size_t b) const {
    emcore::Mixture body = model.local_mixture(b);
    for (emcore::Gaussian &g : body) g.covariance += model_blur * emcore::Sym3{1, 1, 1, 0, 0, 0};
    return body;
  }

  void build_bodies() {
    std::vector<emcore::Mixture> bodies;
    for (std::size_t b = 0; b < model.carriers.size(); ++b) bodies.push_back(model_body(b));
    moved.reset(new emcore::MovedScore(score, bodies));
    update_frame();
    score_now = moved->reset(poses);
    clear_proposal();
    changed.clear();
  }

  void update_frame() {
    if (has_data_body) frame = data.poses[0];
    poses.resize(model.poses.size());
    std::vector<std::size_t> all(poses.size());
    std::iota(all.begin(), all.end(), std::size_t(0));
    update_poses(all);
  }

  void update_poses(const std::vector<std::size_t> &bodies) {
    for (std::size_t b : bodies)
      poses[b] = has_data_body ? particles::relative_to(frame, model.poses[b]) : model.poses[b];
    changed.insert(changed.end(), bodies.begin(), bodies.end());
  }

  void clear_proposal() {
    proposed.clear();
    proposed_poses.clear();
  }

  // Brings `moved` to the present poses by the shorter way. Where the pending proposal was
  // accepted the poses differ less from it than from the committed ones; where it was rejected,
  // the other way round. Which of both IMP says is not asked: after a rejection followed by a move
  // that does not concern this restraint the lists lack the rejected pose.
  void propose() {
    using particles::same;
    // No other body can be elsewhere than when it was committed.
    std::vector<std::size_t> looked_at = changed;
    looked_at.insert(looked_at.end(), proposed.begin(), proposed.end());
    std::sort(looked_at.begin(), looked_at.end());
    looked_at.erase(std::unique(looked_at.begin(), looked_at.end()), looked_at.end());
    changed.clear();
    std::vector<std::size_t> from_committed;
    for (std::size_t b : looked_at)
      if (!same(poses[b], moved->poses()[b])) from_committed.push_back(b);
    if (!proposed.empty()) {
      std::vector<std::size_t> from_proposed;
      std::size_t j = 0;  // both lists of bodies ascend
      std::size_t c = 0;
      for (std::size_t b : looked_at) {
        const bool differs = c < from_committed.size() && from_committed[c] == b;
        if (differs) ++c;
        if (j < proposed.size() && proposed[j] == b) {
          if (!same(poses[b], proposed_poses[j])) from_proposed.push_back(b);
          ++j;
        } else if (differs) {
          from_proposed.push_back(b);
        }
      }
      if (from_proposed.empty()) return;  // asked again about the same poses
      if (from_proposed.size() < from_committed.size()) {
        moved->accept();
        from_committed = from_proposed;
      } else {
        moved->reject();
      }
      clear_proposal();
    }
    score_now = moved->score();
    if (from_committed.empty()) return;
    proposed = from_committed;
    for (std::size_t b : proposed) proposed_poses.push_back(poses[b]);
    score_now = moved->propose(proposed, proposed_poses);
  }

  // The score with everything about it: log ratios are kept for committed poses only.
  void commit() {
    propose();
    moved->accept();
    clear_proposal();
  }

  // All model components at the present poses, body by body, in the frame of the score.
  emcore::Mixture mixture() const {
    emcore::Mixture all;
    for (std::size_t b = 0; b < poses.size(); ++b) {
      const emcore::Mixture part = emcore::moved(moved->body(b), poses[b]);
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }
};

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_SRC_RESTRAINT_CACHE_H */
